import { describe, expect, it } from "vitest";
import { measureMatrixPeak, peakFlops, peakGraph } from "../../src/bench/matrix-peak.ts";
import { PUBLISHED } from "./published-sizes.ts";

describe("the matrix-product peak", () => {
  it("is measured on the products of one encoder block", () => {
    expect(peakFlops(PUBLISHED)).toBe(8 * 729 * 1152 ** 2 + 4 * 729 * 1152 * 4304);
    expect(new Set(peakGraph(PUBLISHED).nodes.map((node) => node.operator))).toEqual(new Set(["MatMul"]));
  });

  it("is a rate that this machine reaches", async () => {
    const sizes = { ...PUBLISHED, featuresPerCrop: 64, featureWidth: 64 };
    const peak = await measureMatrixPeak({ sizes, provider: "cpu", threads: 1, runs: 5 });
    expect(peak.runs).toBe(5);
    expect(peak.median).toBeGreaterThan(0.05);
    expect(peak.best).toBeGreaterThanOrEqual(peak.median);
    expect(peak.best).toBeLessThan(1e5);
  });
});
