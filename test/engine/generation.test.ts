import { describe, expect, it } from "vitest";
import { Generation, type GenerationOptions } from "../../src/engine/generation.ts";

const END = -1;

interface Told {
  readonly generation: Generation;
  readonly pieces: string[];
}

/** Lets a generation say these words, a token each: a word's bytes, or those of a single one. */
function say(
  words: readonly (string | Uint8Array | typeof END)[],
  options: Partial<Pick<GenerationOptions, "maxTokens" | "mayRepeat" | "ignoreEnd">> = {},
): Told {
  const vocabulary: Uint8Array[] = [];
  const known = new Map<string, number>();
  const tokens = words.map((word) => {
    if (word === END) return END;
    const bytes = typeof word === "string" ? new TextEncoder().encode(word) : word;
    const token = known.get(bytes.join()) ?? vocabulary.push(bytes) - 1;
    known.set(bytes.join(), token);
    return token;
  });
  const pieces: string[] = [];
  const script = tokens.values();
  const generation = new Generation({
    language: {
      endsAnswer: (token) => token === END,
      tokenBytes: (token) => vocabulary[token] ?? new Uint8Array(),
    },
    sampling: { next: () => script.next().value ?? END, dispose: () => {} },
    maxTokens: 1000,
    onText: (piece) => void pieces.push(piece),
    ...options,
  });
  for (let row = 0; row < tokens.length && !generation.ended; row++) generation.takeLogits(row);
  return { generation, pieces };
}

function times<T>(block: readonly T[], count: number): T[] {
  return Array.from({ length: count }, () => block).flat();
}

const SENTENCE = [" The", " circle", " is", " red", "."];

describe("an answer that repeats itself without end", () => {
  it("is cut after the second time, and what was said of it is the answer", () => {
    const { generation, pieces } = say([" Look", ":", ...times(SENTENCE, 100)]);
    const found = generation.found();
    expect(found).toMatchObject({ finish: "repetition", tokens: 66 });
    expect(found.text).toBe("Look: The circle is red. The circle is red.");
    expect(found.ids).toHaveLength(2 + 2 * SENTENCE.length);
    expect(pieces.join("")).toBe(found.text);
  });

  it("is cut at whole characters", () => {
    const cat = [...new TextEncoder().encode("🐈")].map((byte) => Uint8Array.of(byte));
    expect(say(["a", ...times(cat, 40)]).generation.found()).toMatchObject({
      text: "a🐈🐈",
      finish: "repetition",
    });
    // ĩ ends with the byte that é ends with, so that the run begins in the midst of it, and ends in the midst of an é
    const e = [Uint8Array.of(0xc3), Uint8Array.of(0xa9)];
    const { generation, pieces } = say([Uint8Array.of(0xc4), ...e.slice(1), ...times(e, 40)]);
    expect(generation.found()).toMatchObject({ text: "ĩé", finish: "repetition" });
    expect(generation.found().ids).toHaveLength(5);
    expect(pieces.join("")).toBe("ĩé");
  });

  it("loses the white space at its end", () => {
    const { generation } = say([" red", ...times([",\n", " red"], 50)]);
    expect(generation.found().text).toBe("red,\n red,");
  });

  it("is said whole where it is wanted, or too short for the rule", () => {
    const words = [...times(SENTENCE, 20), END] as const;
    const whole = times(["The circle is red."], 20).join(" ");
    expect(say(words, { mayRepeat: true }).generation.found()).toMatchObject({ text: whole, finish: "stop" });
    const laugh = say([...times([" ha"], 63), END]);
    expect(laugh.generation.found()).toMatchObject({ text: times(["ha"], 63).join(" "), finish: "stop" });
    expect(laugh.pieces.join("")).toBe(laugh.generation.found().text);
  });

  it("is said as far as it came when something else ends it", () => {
    const cut = say(times([" ha"], 100), { maxTokens: 40 });
    expect(cut.generation.found()).toMatchObject({ text: times(["ha"], 40).join(" "), finish: "length" });
    const { generation, pieces } = say(times([" ha"], 40));
    expect(pieces.join("")).toBe("ha ha");
    generation.stop("timeout");
    expect(generation.found()).toMatchObject({ text: times(["ha"], 40).join(" "), finish: "timeout" });
    expect(pieces.join("")).toBe(generation.found().text);
  });
});
