import { describe, expect, it } from "vitest";
import { BEFORE_READY, paceOf } from "../../../src/pipeline/bounds/pace.ts";

describe("the pace of a run", () => {
  it("is one after the other for an engine that works on one question at a time", () => {
    expect(paceOf(1)).toEqual({ places: 1, window: 1, ahead: 1 });
  });

  it.each([
    [2, { places: 3, window: 17, ahead: 2 }],
    [8, { places: 9, window: 113, ahead: 8 }],
    [64, { places: 65, window: 1009, ahead: 8 }],
  ])("leaves a place for the next picture and room behind a slow answer: %i", (parallel, expected) => {
    expect(paceOf(parallel)).toEqual(expected);
  });

  it("is never narrower in its window than in the engine", () => {
    for (const pace of [BEFORE_READY, ...[1, 2, 3, 16, 64].map(paceOf)]) {
      expect(pace.window).toBeGreaterThanOrEqual(pace.places);
    }
  });
});
