import { describe, expect, it } from "vitest";
import { transpose } from "../../../src/convert/onnx/transpose.ts";

describe("transpose", () => {
  it.each([
    [1, 1],
    [1, 200],
    [63, 65],
    [64, 64],
    [130, 3],
    [0, 5],
  ])("turns [%i, %i] round, at and beside the edges of its blocks", (rows, columns) => {
    const values = Float32Array.from({ length: rows * columns }, (_, i) => i);
    const out = transpose(values, rows, columns);
    const expected = Float32Array.from(
      { length: rows * columns },
      (_, i) => (i % rows) * columns + Math.floor(i / rows),
    );
    expect(out).toEqual(expected);
  });

  it("refuses values of another size", () => {
    expect(() => transpose(new Float32Array(5), 2, 3)).toThrow("5 values are not [2, 3]");
  });
});
