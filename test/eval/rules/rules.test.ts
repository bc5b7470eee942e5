import { describe, expect, it } from "vitest";
import { anls } from "../../../src/eval/rules/anls.ts";
import { exactForm } from "../../../src/eval/rules/exact.ts";
import { chosenOption } from "../../../src/eval/rules/option.ts";
import { relaxedMatch } from "../../../src/eval/rules/relaxed.ts";

describe("ANLS", () => {
  it.each([
    ["abcd", ["abcd"], 1],
    ["ABCD", ["abcd"], 1],
    ["abcx", ["abcd"], 0.75],
    ["abxx", ["abcd"], 0.5], // one half counts
    ["axxx", ["abcd"], 0],
    ["abcde", ["abxyz"], 0], // 0.4
    ["abxx", ["abcd", "abxy"], 0.75], // the nearest of several
    ["  two   words ", ["two words"], 1], // blanks are one, and the answer's own length is without those around it
    ["", ["abcd"], 0],
    ["", [""], 1],
    ["abcd", [""], 0],
    ["\u{1f600}bcd", ["abcd"], 0.75], // a character beyond U+FFFF is one
  ])("of %j against %j is %d", (answer, truths, worth) => {
    expect(anls(answer, truths)).toBeCloseTo(worth, 12);
  });

  it("divides by the longer text as it was given", () => {
    expect(anls("ab  cd", ["ab cd"])).toBe(1);
    expect(anls("ab  cx", ["ab cd"])).toBeCloseTo(1 - 1 / 6, 12); // 6 characters, of which 5 are compared
  });
});

describe("relaxed accuracy", () => {
  it.each([
    ["105", "100", true],
    ["105.1", "100", false],
    ["95", "100", true],
    ["94.9", "100", false],
    ["-95", "100", false],
    ["50%", "0.5", true],
    ["50%", "50", false], // a percentage is a hundredth
    ["50", "50%", false],
    ["51%", "50%", true],
    ["0", "0", true],
    ["0.0", "0", false], // a right answer of zero is text
    ["0", "0.0", false],
    ["1,000", "1000", false], // a comma is no part of a number
    ["1,000", "1,000", true],
    ["1e3", "1000", true],
    ["Yes", "yes", true],
    ["yes.", "yes", false],
    ["2016", "2017", true], // years are numbers, too
    ["ten", "10", false],
    ["%", "%", true],
    ["nan", "nan", false],
    ["", "5", false],
  ])("takes %j for %j: %j", (answer, truth, right) => {
    expect(relaxedMatch(answer, truth)).toBe(right);
  });
});

it("exact match knows neither case nor ASCII punctuation", () => {
  expect(exactForm("It's RED!")).toBe("its red");
  expect(exactForm("(a)_[b]{c}|~`^")).toBe("abc");
  expect(exactForm("café – ok")).toBe("café – ok");
});

describe("the option that an answer chooses", () => {
  const OPTIONS = ["red circle", "blue star", "a banana"];

  it.each([
    ["B", "B"],
    ["B.", "B"],
    ["(C)", "C"],
    ["The answer is B", "B"],
    ["Answer: C.", "C"],
    ["A", "A"],
    ["A star", "A"], // three words at most: no article
    ["A blue star there", "B"], // more: an article, and the text decides
    ["A, or B?", "A"], // two letters, but only one with a comma
    ["B or C", undefined],
    ["A. or B.", undefined],
    ["E", "E"], // none of them, by its own letter
    ["I see a blue STAR there", "B"],
    ["red circle, blue star", undefined],
    ["b", undefined],
    ["", undefined],
    ["green", undefined],
  ])("of %j is %j", (answer, option) => {
    expect(chosenOption(answer, OPTIONS)).toBe(option);
  });
});
