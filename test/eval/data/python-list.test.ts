import { describe, expect, it } from "vitest";
import { pythonTexts } from "../../../src/eval/data/python-list.ts";

describe("a list of texts as Python writes it", () => {
  it.each([
    ["[]", []],
    [" [ ] ", []],
    ["['a']", ["a"]],
    [`['$63,020', "the owner's", 'x]']`, ["$63,020", "the owner's", "x]"]],
    [`['a' ,\n "b",]`, ["a", "b"]],
    [String.raw`['\\frac{1}{2}', 'it\'s', "\""]`, [String.raw`\frac{1}{2}`, "it's", '"']],
    [String.raw`['a\nb\tc', '\xb0', '\u03a9', '\U0001f600', '\60']`, ["a\nb\tc", "°", "Ω", "😀", "0"]],
    [String.raw`['\pi']`, [String.raw`\pi`]],
    ["['']", [""]],
  ])("%s", (source, texts) => {
    expect(pythonTexts(source)).toEqual(texts);
  });

  it.each([
    "",
    "[",
    "]",
    "a",
    "'a'",
    "['a'",
    "'a']",
    "[a]",
    "['a' 'b'",
    "['a' + 'b']",
    "['a', 1]",
    "[,]",
    "['a',,'b']",
    "[['a']]",
    "['a\nb']",
    String.raw`['a\']`,
    String.raw`['\U00110000']`,
    "[__import__('os')]",
  ])("is not %j", (source) => {
    expect(pythonTexts(source)).toBeUndefined();
  });

  it("takes time that grows with its length", () => {
    for (const piece of ["'\\", "[", "' ", "['", "\\'", "'a',"]) {
      const started = performance.now();
      pythonTexts(`[${piece.repeat(200_000)}]`);
      expect(performance.now() - started, piece).toBeLessThan(2000);
    }
  });
});
