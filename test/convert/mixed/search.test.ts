import { describe, expect, it } from "vitest";
import { expectedError, type MatrixCost } from "../../../src/convert/mixed/choose.ts";
import { searchInt8 } from "../../../src/convert/mixed/search.ts";

const TARGET = 0.03;

/** 100 matrices of the same work, each a little worse than the one before; all together are 0.2 off. */
const matrices = Array.from({ length: 100 }, (_, at): MatrixCost => {
  const error = (0.04 * (at + 1)) / 5050;
  return { name: `m${at}`, error, work: 1 };
});

/** Searches where a choice makes what `real` makes of its estimate. @returns what was found and every error that was measured */
async function search(
  real: (expected: number) => number,
  target = TARGET,
): Promise<{ found: number; errors: number[] }> {
  const errors: number[] = [];
  const chosen = await searchInt8({
    matrices,
    target,
    errorOf: async (choice) => {
      const error = real(expectedError(matrices, choice));
      errors.push(error);
      return error;
    },
  });
  return { found: chosen.size === 0 ? 0 : real(expectedError(matrices, chosen)), errors };
}

describe("the search for as many int8 matrices as the budget allows", () => {
  it("stops at the first choice that is nearly as far off as allowed", async () => {
    const { errors } = await search((expected) => expected);
    expect(errors).toHaveLength(1);
  });

  it("stops where there is nothing left to round", async () => {
    const { found, errors } = await search((expected) => expected, 1);
    expect(errors).toHaveLength(1);
    expect(found).toBeCloseTo(0.2, 10);
  });

  it("corrects an estimate that is off by the same factor everywhere, in both directions", async () => {
    for (const factor of [0.3, 3]) {
      const { found, errors } = await search((expected) => factor * expected);
      expect(errors).toHaveLength(2);
      expect(found / TARGET).toBeGreaterThan(0.85);
      expect(found / TARGET).toBeLessThanOrEqual(1);
    }
  });

  it("goes up again where a correction went much too far down", async () => {
    // errors grow much faster than the estimate says
    const { found, errors } = await search((expected) => 0.12 * (expected / TARGET) ** 2.5);
    expect(errors[0]).toBeGreaterThan(TARGET);
    expect(errors[1]).toBeLessThan(0.4 * TARGET);
    expect(found).toBeGreaterThan(2 * (errors[1] ?? 0));
    expect(found).toBeLessThanOrEqual(TARGET);
    expect(errors.length).toBeLessThanOrEqual(4);
  });

  it("returns to the best one that was within where going up was too much", async () => {
    const { found, errors } = await search((expected) => (expected < 0.012 ? 0.2 : 10) * expected);
    expect(errors.length).toBeLessThanOrEqual(4);
    expect(errors.at(-1)).toBeGreaterThan(TARGET);
    const best = Math.max(...errors.filter((error) => error <= TARGET));
    expect(found).toBe(best);
  });

  it("leaves everything exact where nothing is ever within", async () => {
    const { found, errors } = await search(() => 1);
    expect(found).toBe(0);
    expect(errors.length).toBeLessThanOrEqual(4);
  });
});
