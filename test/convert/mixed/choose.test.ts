import { describe, expect, it } from "vitest";
import { chooseInt8, expectedError, type MatrixCost } from "../../../src/convert/mixed/choose.ts";
import { channelsApart } from "../../../src/convert/mixed/outliers.ts";
import { noise } from "../../formats/onnx/run.ts";

const matrix = (name: string, error: number, work: number): MatrixCost => ({ name, error: error ** 2, work });

describe("the choice of int8 matrices", () => {
  const matrices = [matrix("a", 3, 100), matrix("b", 4, 100), matrix("c", 1, 1), matrix("d", 12, 1000)];

  it("takes all of them where their errors, added as squares, stay within the bound", () => {
    const all = Math.hypot(3, 4, 1, 12);
    expect([...chooseInt8(matrices, all)].toSorted()).toEqual(["a", "b", "c", "d"]);
    expect(expectedError(matrices, new Set(["a", "b", "c", "d"]))).toBeCloseTo(all, 10);
    expect(chooseInt8(matrices, 0.999 * all).size).toBe(3);
  });

  it("gives up what costs most error for the work that it saves", () => {
    // error² a unit of work: a 0.09, b 0.16, c 1, d 0.144
    expect([...chooseInt8(matrices, Math.hypot(3, 12, 4.1))].toSorted()).toEqual(["a", "b", "d"]);
    expect([...chooseInt8(matrices, Math.hypot(3, 12, 0.1))].toSorted()).toEqual(["a", "d"]);
  });

  it("takes a smaller one where the next best does not fit, and nothing for no bound at all", () => {
    expect([...chooseInt8(matrices, 5)].toSorted()).toEqual(["a", "b"]);
    expect([...chooseInt8(matrices, 0)]).toEqual([]);
    expect(expectedError(matrices, new Set())).toBe(0);
  });
});

describe("channels that stick out", () => {
  it("are none where all reach about as far", () => {
    const reach = Float32Array.from(noise(1, 1152), (value) => 3 + Math.abs(value));
    expect(channelsApart(reach)).toEqual([]);
  });

  it("are those far beyond the others, in order", () => {
    const reach = Float32Array.from(noise(1, 1152), (value) => 3 + Math.abs(value));
    for (const channel of [900, 7, 8]) reach[channel] = 40;
    expect(channelsApart(reach)).toEqual([7, 8, 900]);
  });

  it("are never so many that apart is slower than together", () => {
    const reach = Float32Array.from({ length: 640 }, (_, at) => (at < 100 ? 50 + at : 1));
    expect(channelsApart(reach).length).toBeLessThanOrEqual(10);
    expect(channelsApart(new Float32Array(16).fill(0))).toEqual([]);
  });
});
