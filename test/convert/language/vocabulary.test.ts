import { describe, expect, it } from "vitest";
import type { Tokenizer } from "../../../src/checkpoint/types.ts";
import { TOKEN_TYPES, vocabulary } from "../../../src/convert/language/vocabulary.ts";

/** Ordinary tokens a, b, <|endoftext|>, then `<learnable>` 4 and `</s>` 5; id 3 is `added`'s. */
function tokenizer(added: readonly { id: number; text: string; special: boolean }[]): Tokenizer {
  return {
    tokens: ["a", "b", "<|endoftext|>"],
    merges: [],
    added: [{ id: 4, text: "<learnable>", special: false }, { id: 5, text: "</s>", special: true }, ...added],
    eos: 5,
    endOfText: 2,
    learnable: 4,
    queryBase: 0,
  };
}

const { normal, control, userDefined, unused } = TOKEN_TYPES;

describe("vocabulary", () => {
  it("marks ordinary, added, special and missing tokens", () => {
    expect(vocabulary(tokenizer([{ id: 3, text: "  ", special: false }]), 8)).toEqual({
      texts: ["a", "b", "<|endoftext|>", "  ", "<learnable>", "</s>", "[PAD6]", "[PAD7]"],
      types: [normal, normal, control, userDefined, control, control, unused, unused],
    });
  });

  it("makes every special token a control token", () => {
    expect(vocabulary(tokenizer([{ id: 3, text: "<image>", special: true }]), 6).types[3]).toBe(control);
  });

  it("fills a gap between added tokens", () => {
    const { texts, types } = vocabulary(tokenizer([]), 6);
    expect(texts[3]).toBe("[PAD3]");
    expect(types[3]).toBe(unused);
  });

  it("lets an added token repeat or replace an ordinary one of the same id", () => {
    const { texts, types } = vocabulary(tokenizer([{ id: 2, text: "<|endoftext|>", special: true }]), 6);
    expect(texts[2]).toBe("<|endoftext|>");
    expect(types[2]).toBe(control);
  });

  it("names padding so that it equals no real token", () => {
    expect(vocabulary(tokenizer([{ id: 3, text: "[PAD6]", special: false }]), 7).texts[6]).toBe("[[PAD6]]");
  });

  it.each([
    ["an id beyond the table", { id: 8, text: "x", special: false }, /"x" has the id 8 of 8/],
    ["a text twice", { id: 3, text: "b", special: false }, /tokens 1 and 3 are both "b"/],
    ["an empty text", { id: 3, text: "", special: false }, /token 3 has a text that cannot be stored/],
    ["a zero byte", { id: 3, text: "x\0y", special: false }, /token 3 has a text that cannot be stored/],
    ["half a surrogate pair", { id: 3, text: "\ud800", special: false }, /token 3 has a text that cannot/],
  ])("refuses %s", (_, added, message) => {
    expect(() => vocabulary(tokenizer([added]), 8)).toThrow(message);
    expect(() => vocabulary(tokenizer([added]), 8)).toThrow(
      expect.objectContaining({ code: "checkpoint-invalid" }),
    );
  });

  it("refuses more tokens than the table has rows", () => {
    const { tokens, ...rest } = tokenizer([]);
    expect(() => vocabulary({ ...rest, tokens: [...tokens, "c"] }, 3)).toThrow(/id 4 of 3/);
    expect(() => vocabulary({ ...rest, tokens: [...tokens, "c"], added: [] }, 3)).toThrow(/4 tokens for/);
  });
});
