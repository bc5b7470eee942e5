import { describe, expect, it } from "vitest";
import { Generation, type GenerationOptions } from "../../src/engine/generation.ts";

const END = -1;

interface Told {
  readonly generation: Generation;
  readonly pieces: string[];
  /** the tokens that came with each piece, as text */
  readonly tokens: (string[] | undefined)[];
}

/** Lets a generation say these words, a token each: a word's bytes, or those of a single one. */
function say(
  words: readonly (string | Uint8Array | typeof END)[],
  options: Partial<
    Pick<GenerationOptions, "maxTokens" | "mayRepeat" | "ignoreEnd" | "stop" | "logprobs">
  > = {},
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
  const told: (string[] | undefined)[] = [];
  const script = tokens.values();
  const generation = new Generation({
    language: {
      endsAnswer: (token) => token === END,
      tokenBytes: (token) => vocabulary[token] ?? new Uint8Array(),
    },
    sampling: { next: () => script.next().value ?? END, dispose: () => {} },
    maxTokens: 1000,
    onText: (piece, logprobs) => {
      pieces.push(piece);
      told.push(logprobs?.map(({ bytes }) => Buffer.from(bytes).toString()));
    },
    ...options,
  });
  for (let row = 0; row < tokens.length && !generation.ended; row++) generation.takeLogits(row);
  return { generation, pieces, tokens: told };
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

describe("an answer that ends before a string", () => {
  it("has no token that has nothing of it, whatever tokens the string is cut into", () => {
    const { generation, pieces } = say([" Red", " cir", "cle", ".", " It", " is", END], { stop: ["circle"] });
    expect(generation.found()).toMatchObject({ text: "Red", finish: "stop", tokens: 3 });
    expect(generation.found().ids).toHaveLength(1);
    expect(pieces.join("")).toBe("Red");
    const straddling = say([" Red. Blue", " Green", END], { stop: ["."] });
    expect(straddling.generation.found()).toMatchObject({ text: "Red", finish: "stop", tokens: 1 });
    expect(straddling.generation.found().ids).toHaveLength(1);
  });

  it("ends by it also at the last token that is allowed, and is whole where none came", () => {
    const last = say([" a", " b."], { stop: ["."], maxTokens: 2 });
    expect(last.generation.found()).toMatchObject({ text: "a b", finish: "stop" });
    const none = say([" a", " b"], { stop: ["."], maxTokens: 2 });
    expect(none.generation.found()).toMatchObject({ text: "a b", finish: "length" });
    const begun = say([" a", " EN", END], { stop: ["END"] });
    expect(begun.generation.found()).toMatchObject({ text: "a EN", finish: "stop" });
    expect(begun.pieces).toEqual(["a", " EN"]);
  });
});

describe("the log-probabilities of an answer", () => {
  const wanted = { top: 2, logits: (): Float32Array => Float32Array.of(1, 3, 2, 0) };

  it("are of each token, with the likeliest in its place", () => {
    const { generation } = say([" a", " b", END], { logprobs: wanted });
    const total = Math.log(Math.exp(1) + Math.exp(3) + Math.exp(2) + 1);
    const { logprobs = [] } = generation.found();
    expect(logprobs.map(({ id }) => id)).toEqual([0, 1]);
    expect(logprobs[0]?.logprob).toBeCloseTo(1 - total, 9);
    expect(logprobs[0]?.top.map(({ id }) => id)).toEqual([1, 2]);
    expect(logprobs[0]?.top[0]?.logprob).toBeCloseTo(3 - total, 9);
  });

  it("come with the text of their tokens", () => {
    const { tokens, pieces } = say([" a", " ", "\n", "b", "c", END], { logprobs: wanted });
    expect(pieces).toEqual(["a", " \nb", "c"]);
    expect(tokens).toEqual([[" a"], [" ", "\n", "b"], ["c"]]);
  });

  it("are as many as the answer's tokens, where it was stopped or repeated itself", () => {
    const stopped = say([" a", " S", "TOP", END], { logprobs: wanted, stop: ["STOP"] });
    expect(stopped.generation.found().logprobs).toHaveLength(stopped.generation.found().ids.length);
    const repeated = say([" Look", ...times(SENTENCE, 100)], { logprobs: wanted });
    expect(repeated.generation.found().logprobs).toHaveLength(repeated.generation.found().ids.length);
  });

  it("are not looked at unless they are wanted", () => {
    const { generation, tokens } = say([" a", " b", END]);
    expect("logprobs" in generation.found()).toBe(false);
    expect(tokens).toEqual([undefined, undefined]);
  });
});
