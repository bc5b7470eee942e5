import { describe, expect, it } from "vitest";
import { median, quantile, summary } from "../../src/bench/statistics.ts";

describe("quantile", () => {
  // numpy.quantile of the same values
  it.each([
    [[5, 1, 4, 2, 3], 0.5, 3],
    [[5, 1, 4, 2, 3], 0.95, 4.8],
    [[4, 1, 3, 2], 0.5, 2.5],
    [[10, 20], 0.95, 19.5],
    [[7], 0.95, 7],
    [[3, 1, 2], 0, 1],
    [[3, 1, 2], 1, 3],
  ])("of %j at %d is %d", (values, q, expected) => {
    expect(quantile(values, q)).toBeCloseTo(expected, 12);
  });

  it("leaves the values as they were, and refuses none", () => {
    const values = [3, 1, 2];
    expect(median(values)).toBe(2);
    expect(values).toEqual([3, 1, 2]);
    expect(() => median([])).toThrow(RangeError);
  });

  it("does not order numbers as text", () => {
    expect(median([10, 9, 100])).toBe(10);
  });
});

describe("summary", () => {
  it("holds median, p95 and the count", () => {
    expect(summary([1, 2, 3])).toEqual({ median: 2, p95: 2.9, samples: 3 });
  });
});
