import { describe, expect, it } from "vitest";
import { consensus } from "../../../src/eval/rules/consensus.ts";
import { evalAiForm } from "../../../src/eval/rules/eval-ai.ts";

describe("EvalAI's form of an answer", () => {
  it.each([
    ["The Red Circle.", "red circle"],
    ["a an the", ""],
    ["Two dogs", "2 dogs"],
    ["none", "0"],
    ["ten", "10"],
    ["eleven", "eleven"],
    ["twotwo", "twotwo"],
    ["1,000", "1000"],
    ["Yes, sir?", "yes sir"],
    ["3.14", "3.14"],
    ["3. 14", "3 14"],
    ["U.S.A.", "usa"],
    ["v1.5.", "v1.5"],
    ["foo-bar", "foo bar"], // a mark between letters becomes a blank
    ["foo -bar", "foo bar"], // beside a blank it goes
    ["a-b -c", "ab c"], // everywhere, once it stands beside a blank anywhere
    ["(left)", "left"],
    ["50%", "50%"],
    ["dont", "don't"],
    ["couldnt've", "couldn't've"],
    ["yalld've", "yalld've"],
    ["y'alld've", "y'all'd've"],
    ["somebody'd", "somebodyd"], // the list's own slip
    ["oclock", "o'clock"],
    ["he's", "he 's"], // 's is split off before
    ["hes", "he's"],
    ["one\ntwo\tthree", "1 2 3"],
    ["  ", ""],
  ])("of %j is %j", (answer, form) => {
    expect(evalAiForm(answer)).toBe(form);
  });

  it("takes away no more than 32 full stops", () => {
    expect(evalAiForm("x.".repeat(32))).toBe("x".repeat(32));
    expect(evalAiForm("x.".repeat(34))).toBe(`${"x".repeat(33)}.x.`);
  });
});

function people(...counts: readonly [string, number][]): string[] {
  return counts.flatMap(([answer, count]) => Array.from({ length: count }, () => answer));
}

describe("agreement with ten people", () => {
  it.each([
    [10, 1],
    [4, 1],
    // three said so: each of them has two others, the seven have three
    [3, (3 * (2 / 3) + 7) / 10],
    [2, (2 * (1 / 3) + 8 * (2 / 3)) / 10],
    [1, (0 + 9 * (1 / 3)) / 10],
    [0, 0],
  ])("where %i said the same is %d", (count, score) => {
    expect(consensus("nokia", people(["Nokia.", count], ["other", 10 - count]))).toBeCloseTo(score, 12);
  });
});
