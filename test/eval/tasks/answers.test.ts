import { describe, expect, it } from "vitest";
import { grouped } from "../../../src/eval/scores/figures.ts";
import type { Form, Graded, Scoring, Truth } from "../../../src/eval/task.ts";
import { ai2d } from "../../../src/eval/tasks/ai2d.ts";
import { firstYesNo, mme } from "../../../src/eval/tasks/mme.ts";
import { gqaForm } from "../../../src/eval/tasks/gqa.ts";
import { mmbench } from "../../../src/eval/tasks/mmbench.ts";
import { optionsIn, filtered, realworldqa } from "../../../src/eval/tasks/realworldqa.ts";
import { scienceqa } from "../../../src/eval/tasks/scienceqa.ts";
import { seed } from "../../../src/eval/tasks/seed.ts";
import { capitalized, questionIn } from "../../../src/eval/tasks/textvqa.ts";

function scoringOf(form: Form | undefined): Scoring {
  if (form?.scoring === undefined) throw new Error("it is not scored");
  return form.scoring;
}

function right(scoring: Scoring, text: string, truth: Truth): boolean {
  return scoring.grade(text, truth).score === 1;
}

function pair(category: string, group: string, ...scores: number[]): Graded[] {
  return scores.map((score) => ({ score, readable: true, truth: { answers: [], category, group } }));
}

describe("MME", () => {
  it.each([
    ["Yes", "yes"],
    ["yes, it is", "yes"],
    ["No.", "no"],
    ["n", "no"],
    ["Y", "yes"],
    ["y.", "yes"],
    ["oh yes", "other"], // the first four characters are "oh y"
    ["a no", "no"],
    ["nothing", "no"],
    ["not yes", "no"], // "not " has no before yes could come
    ["x", "other"],
    ["", "other"],
    [". . .yes", "other"],
    ["..yes", "yes"],
  ])("takes %j for %s", (text, said) => {
    expect(firstYesNo(text)).toBe(said);
  });

  it("gives a picture's accuracy, and a hundred more where both answers are right", () => {
    const { headline, details } = scoringOf(mme.forms.llava);
    const units = grouped([
      ...pair("color", "color/1", 1, 1), // 200
      ...pair("color", "color/2", 1, 0), // 50
      ...pair("OCR", "OCR/1", 0, 0), // 0
      ...pair("code_reasoning", "code/1", 1, 1), // 200
    ]);
    expect(headline.of(units)).toBe(125 + 0 + 200);
    const figures = new Map(details(units).map(({ name, value }) => [name, value]));
    expect(figures.get("perception")).toBe(125);
    expect(figures.get("cognition")).toBe(200);
    expect(figures.get("color")).toBe(125);
  });
});

it("GQA by LLaVA's script knows neither case nor full stops at the end", () => {
  expect(["Yes.", "yes...", "ye.s.", "Yes, sir"].map(gqaForm)).toEqual(["yes", "yes", "ye.s", "yes, sir"]);
});

const COLOURS = ["red", "blue", "green"];

function answered(group: string, answers: readonly (readonly [string, string])[]): Graded[] {
  return answers.map(([text, answer]) => {
    const truth = { answers: [answer], options: COLOURS, category: "color", group };
    return { ...scoringOf(mmbench.forms.llava).grade(text, truth), truth };
  });
}

describe("MMBench", () => {
  const { headline, details } = scoringOf(mmbench.forms.llava);

  it("takes a question for right when all its circular variants are", () => {
    const units = grouped([
      ...answered("1", [
        ["A", "A"],
        ["B", "B"],
        ["C. green", "C"],
      ]),
      ...answered("2", [
        ["A", "A"],
        ["A", "B"],
      ]),
      ...answered("3", [["what?", "A"]]),
      ...answered("4", [["It is blue", "B"]]),
    ]);
    expect(headline.of(units)).toBe(50);
    expect(details(units)[0]?.value).toBeCloseTo((100 * 5) / 7, 9);
    expect(units.flat().map(({ readable }) => readable)).toEqual([true, true, true, true, true, false, true]);
  });
});

describe("options by their letters", () => {
  const truth = { answers: ["B"], options: ["cat", "dog"] };

  it.each([
    ["B", [true, true, true, true]],
    ["b", [true, true, true, true]],
    ["B.", [true, true, false, true]],
    ["B. dog", [true, true, false, true]],
    ["b. dog", [false, true, false, false]],
    ["The answer is B.", [false, false, false, false]],
    ["Blue", [false, true, false, false]],
    ["", [false, false, false, false]],
  ])("%j is right by AI2D, SEED, ScienceQA, and ScienceQA as it is meant: %j", (text, expected) => {
    const { grade, details } = scoringOf(scienceqa.forms["lmms-eval"]);
    const meant = details([[{ ...grade(text, truth), truth }]])[0]?.value === 100;
    expect([
      right(scoringOf(ai2d.forms["lmms-eval"]), text, truth),
      right(scoringOf(seed.forms["lmms-eval"]), text, truth),
      grade(text, truth).score === 1,
      meant,
    ]).toEqual(expected);
  });
});

describe("RealWorldQA", () => {
  const question =
    "Which way?\nA. Left\nB. Right lane\nC. Left\nPlease answer directly with only the letter of the correct option and nothing else.";

  it("knows the options that its question lists", () => {
    expect(optionsIn(question)).toEqual(["Left", "Right lane", "Left"]);
    expect(optionsIn("How many? I. e. a number")).toEqual(["e. a number"]);
    expect(optionsIn("How many cars?")).toEqual([]);
  });

  it.each([
    ["Two", "2"],
    ["two.", "two"], // only a number's word alone
    ["B.", "B"],
    ["Right lane", "B"],
    ["It is the Right lane, not Left!", "B"], // what comes first
    ["Left", "C"], // of two options alike the last letter
    ["right lane", "right lane"],
    ["(A)", "A"],
  ])("makes %j into %j", (answer, form) => {
    expect(filtered(answer, optionsIn(question))).toBe(form);
  });

  it("compares without case and punctuation", () => {
    const scoring = scoringOf(realworldqa.forms["lmms-eval"]);
    expect(right(scoring, "b.", { answers: ["B"], options: ["x", "y"] })).toBe(true);
    expect(right(scoring, "Three", { answers: ["3"], options: [] })).toBe(true);
    expect(right(scoring, "3 cars", { answers: ["3"], options: [] })).toBe(false);
  });
});

describe("TextVQA's prompts", () => {
  it("hold the question in one of three places", () => {
    const short = "Answer the question using a single word or phrase.";
    expect(questionIn(`What is It?\nReference OCR token: a, b\n${short}`)).toBe("what is it?");
    expect(questionIn(`Reference OCR token: a, b\nWhat is It?\n${short}`)).toBe("what is it?");
    expect(questionIn(`What is It?\n${short}`)).toBe("what is it?");
    expect(questionIn("OCR tokens: a. Question: What\nis It? Short answer:")).toBe("what\nis it?");
  });

  it("begin with a capital and go on small in lmms-eval", () => {
    expect(["what does the NHL say?", "", "éa B"].map(capitalized)).toEqual([
      "What does the nhl say?",
      "",
      "Éa b",
    ]);
  });
});
