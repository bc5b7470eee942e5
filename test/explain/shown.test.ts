import { describe, expect, it } from "vitest";
import type { Attention } from "../../src/engine/api.ts";
import { measureLine } from "../../src/explain/captions.ts";
import { measureAttention } from "../../src/explain/shown.ts";

const GEOMETRY = { crops: "squash", imageSize: 126, patchSize: 14, grid: 9 } as const;

function embq(...maps: readonly (readonly number[])[]): Attention {
  return { layer: "embq", queries: maps.length, ...GEOMETRY, weights: Float32Array.from(maps.flat()) };
}

const FLAT = Array.from({ length: 81 }, () => 1 / 81);
const PEAK = FLAT.map((_, at) => (at === 40 ? 1 : 0));

describe("how concentrated a map is", () => {
  it("is nothing for a flat one, and all for a peak", () => {
    const flat = measureAttention(embq(FLAT));
    expect(flat.entropy).toBeCloseTo(Math.log2(81), 5);
    expect(flat.mostEntropy).toBeCloseTo(Math.log2(81), 10);
    expect(flat.top).toMatchObject({ patches: 5, of: 81 });
    expect(flat.top.share).toBeCloseTo(5 / 81, 5);
    const peak = measureAttention(embq(PEAK));
    expect(peak.entropy).toBe(0);
    expect(peak.top.share).toBe(1);
    expect(measureLine(embq(PEAK))).toBe("entropy 0.00 of 6.34 bits; top 5 of 81 patches: 100 %");
  });

  it("is of the mean of the queries, or of one", () => {
    const both = embq(FLAT, PEAK);
    expect(measureAttention(both, 1).top.share).toBeCloseTo(5 / 81, 5);
    expect(measureAttention(both, 2).top.share).toBe(1);
    expect(measureAttention(both).top.share).toBeCloseTo(0.5 + 5 / 162, 5);
  });

  it("is of a window where each window has a weight of 1", () => {
    // in every second row of windows the first patch has it all, in the others all have the same
    const weights = Float32Array.from({ length: 81 }, (_, at) => {
      const [row, column] = [Math.floor(at / 9), at % 9];
      if (Math.floor(row / 3) !== 1) return 1 / 9;
      return row % 3 === 0 && column % 3 === 0 ? 1 : 0;
    });
    const sap: Attention = { layer: "sap", queries: 1, ...GEOMETRY, window: 3, weights };
    const { entropy, mostEntropy, top } = measureAttention(sap);
    expect(mostEntropy).toBeCloseTo(Math.log2(9), 10);
    expect(entropy).toBeCloseTo((2 / 3) * Math.log2(9), 5);
    expect(top).toMatchObject({ patches: 1, of: 9 });
    expect(top.share).toBeCloseTo((2 / 3) * (1 / 9) + 1 / 3, 5);
    expect(() => measureAttention(sap, 1)).toThrow("has no queries");
  });
});
