import { describe, expect, it } from "vitest";
import { f1, meanF1, yesNoFigures } from "../../../src/eval/scores/yes-no.ts";
import type { Unit } from "../../../src/eval/task.ts";

/** `yn`: yes was said and no is true. */
function units(pairs: string, category = "all"): Unit[] {
  return pairs.split(" ").map((pair) => {
    const [said = "", answer = ""] = Array.from(pair, (letter) =>
      letter === "y" ? "yes" : letter === "n" ? "no" : "perhaps",
    );
    const truth = { answers: [answer], category };
    return [{ said, readable: true, score: said === answer ? 1 : 0, truth }];
  });
}

const values = (of: readonly Unit[], ratio: "said" | "true"): readonly number[] =>
  yesNoFigures(of, "", ratio).map(({ value }) => Number(value.toFixed(4)));

describe("figures of yes and no", () => {
  it("are those of the textbook", () => {
    // 3 true positives, 1 false, 2 false negatives, 4 true negatives
    const of = units("yy yy yy yn ny ny nn nn nn nn");
    expect(values(of, "said")).toEqual([70, 75, 60, 66.6667, 40]);
    expect(values(of, "true")).toEqual([70, 75, 60, 66.6667, 50]);
    expect(f1(of)).toBeCloseTo(200 / 3);
  });

  it("are 0 where nothing was counted", () => {
    expect(values(units("nn ny"), "said")).toEqual([50, 0, 0, 0, 0]);
    expect(values([], "said")).toEqual([0, 0, 0, 0, 0]);
  });

  it("count what is neither yes nor no as wrong, and nowhere else", () => {
    expect(values(units("yy ?y ?n nn"), "said")).toEqual([50, 100, 100, 100, 25]);
  });

  it("weigh each category alike in the mean", () => {
    const both = [...units("yy yy nn nn", "random"), ...units("yn ny", "popular")];
    expect(meanF1(both)).toBe(50);
    expect(f1(both)).toBeCloseTo(200 / 3);
  });
});
