import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NativeGrammar } from "../../../src/language/ffi/grammar.ts";
import { loadVocabulary, type Vocabulary } from "../../engine/constraint/vocabularies.ts";

const OUT = Number.NEGATIVE_INFINITY;
/** a list of words in quotes, of any characters that UTF-8 can write */
const WORDS = String.raw`root ::= word ("," word)*
word ::= "\"" [^"\x00-\x1F]* "\""`;

describe.each(["small", "full"] as const)("NativeGrammar with a %s vocabulary", (size) => {
  let vocabulary: Vocabulary;

  beforeAll(async () => {
    vocabulary = await loadVocabulary(size);
  });

  afterAll(async () => await vocabulary?.remove());

  function follow(grammar: string, text: string): NativeGrammar {
    const { model } = vocabulary;
    const native = new NativeGrammar({ model, grammar });
    for (const token of model.tokenize(text)) native.accept(token);
    return native;
  }

  function only(text: string): number {
    const [token = -1, ...more] = vocabulary.model.tokenize(text);
    expect(more).toEqual([]);
    return token;
  }

  function tokens(): number[] {
    return Array.from({ length: vocabulary.model.vocabSize }, (_, token) => token);
  }

  it("masks exactly the tokens that it does not allow", () => {
    for (const text of ["", '"', '"ab', '"ab"', '"ab","']) {
      const native = follow(WORDS, text);
      const logits = Float32Array.from(tokens(), (token) => token / 7);
      native.mask(logits);
      const wrong = tokens().filter(
        (token) => logits[token] !== (native.allows(token) ? Math.fround(token / 7) : OUT),
      );
      expect(wrong).toEqual([]);
      native.dispose();
    }
  });

  it("allows every end token where the grammar is complete, and nowhere else", () => {
    const ends = tokens().filter((token) => vocabulary.model.endsGeneration(token));
    expect(ends.length).toBe(2);
    for (const [text, complete] of [
      ["", false],
      ['"', false],
      ['"a"', true],
      ['"a",', false],
      ['"a","b"', true],
    ] as const) {
      const native = follow(WORDS, text);
      expect(native.mayEnd).toBe(complete);
      expect(ends.map((token) => native.allows(token))).toEqual([complete, complete]);
      for (const end of complete ? ends : []) native.accept(end);
      expect(native.mayEnd).toBe(complete);
      native.dispose();
    }
  });

  it("leaves nothing but an end after the only text", () => {
    const native = follow('root ::= "yes"', "yes");
    const logits = new Float32Array(vocabulary.model.vocabSize);
    native.mask(logits);
    expect(
      tokens()
        .filter((token) => logits[token] !== OUT)
        .every((token) => vocabulary.model.endsGeneration(token)),
    ).toBe(true);
    native.dispose();
  });

  it("refuses a token that does not fit, and goes on as if it had not been offered", () => {
    const native = follow(WORDS, '"a"');
    for (const token of [only("a"), -1, vocabulary.model.vocabSize, 1.5, Number.NaN]) {
      expect(native.allows(token)).toBe(false);
      expect(() => native.accept(token)).toThrow(expect.objectContaining({ code: "internal" }));
    }
    native.accept(only(","));
    native.accept(only('"'));
    expect(native.allows(only("a"))).toBe(true);
    native.dispose();
  });

  it("takes no control token for the text of its name", () => {
    const native = follow(WORDS, '"');
    const special = tokens().filter((token) => vocabulary.model.tokenBytes(token).length === 0);
    expect(special.length).toBeGreaterThan(2);
    expect(special.filter((token) => native.allows(token))).toEqual([]);
    const logits = new Float32Array(vocabulary.model.vocabSize);
    native.mask(logits);
    expect(special.filter((token) => logits[token] !== OUT)).toEqual([]);
    native.dispose();
  });

  it("lets a character be spelled in UTF-8's shortest way only", () => {
    const { model } = vocabulary;
    const byte = new Map(
      tokens().flatMap((token) => {
        const [first, ...more] = model.tokenBytes(token);
        return first === undefined || more.length > 0 ? [] : [[first, token] as const];
      }),
    );
    const isAllowed = (...bytes: number[]): boolean => {
      const native = follow(WORDS, '"');
      try {
        return bytes.every((value) => {
          const token = byte.get(value) ?? -1;
          if (!native.allows(token)) return false;
          const logits = new Float32Array(model.vocabSize);
          native.mask(logits);
          expect(logits[token]).toBe(0);
          native.accept(token);
          return true;
        });
      } finally {
        native.dispose();
      }
    };
    for (const text of ["é", "\u0800", "日", "\uFFFF", "\u{10000}", "😀"]) {
      expect(isAllowed(...Buffer.from(text)), text).toBe(true);
    }
    expect(isAllowed(0xe0, 0x9f, 0xbf)).toBe(false); // U+07FF in three bytes
    expect(isAllowed(0xf0, 0x8f, 0xbf, 0xbf)).toBe(false); // U+FFFF in four
    expect(isAllowed(0xc1, 0xbf)).toBe(false); // U+007F in two
    expect(isAllowed(0x80)).toBe(false);
    expect(isAllowed(0xc3, 0x41)).toBe(false);
  });

  it("follows several answers side by side", () => {
    const [one, two] = [follow(WORDS, '"a"'), follow(WORDS, '"a')];
    const logits = new Float32Array(vocabulary.model.vocabSize);
    one.mask(logits);
    expect(two.allows(only("a"))).toBe(true);
    expect(one.allows(only("a"))).toBe(false);
    one.dispose();
    expect(two.allows(only("a"))).toBe(true);
    two.dispose();
  });

  it("says what it cannot work with", () => {
    const { model } = vocabulary;
    const internal = expect.objectContaining({ code: "internal" });
    const native = follow(WORDS, "");
    expect(() => native.mask(new Float32Array(3))).toThrow(internal);
    native.dispose();
    native.dispose();
    expect(() => native.allows(0)).toThrow(internal);
    expect(() => native.mask(new Float32Array(model.vocabSize))).toThrow(internal);
    expect(() => native.mayEnd).toThrow(internal);
  });
});

describe("NativeGrammar", () => {
  it("refuses a text that is no grammar", async () => {
    const { model, remove } = await loadVocabulary("small");
    for (const grammar of [
      "",
      "root ::= nothing",
      "other ::= [a]",
      "root ::= root [a]",
      "root ::= [a]{3000}",
    ]) {
      expect(() => new NativeGrammar({ model, grammar }), grammar).toThrow(
        expect.objectContaining({ code: "internal" }),
      );
    }
    await remove();
  });

  it("says so when no token goes on: a zero byte, which llama.cpp takes for the end of a text", async () => {
    const { model, remove } = await loadVocabulary("small");
    const native = new NativeGrammar({ model, grammar: String.raw`root ::= "\x00"` });
    const logits = new Float32Array(model.vocabSize);
    expect(() => native.mask(logits)).toThrow(
      expect.objectContaining({ code: "internal", message: expect.stringContaining("no token") }),
    );
    native.dispose();
    await remove();
  });
});
