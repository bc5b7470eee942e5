import { describe, expect, it } from "vitest";
import type { Weight } from "../../../src/formats/onnx/builder.ts";
import { layOutWeights } from "../../../src/formats/onnx/layout.ts";
import { noise } from "./run.ts";

function weight(element: Weight["element"], ...shape: number[]): Weight {
  return { name: "w", element, shape, load: () => Promise.reject(new Error("not read while laying out")) };
}

describe("layOutWeights", () => {
  it("is empty for no weights", () => {
    expect(layOutWeights([])).toEqual({ places: [], size: 0 });
  });

  it("counts elements and bytes, a scalar too", () => {
    const { places, size } = layOutWeights([weight("float32"), weight("float16", 3, 5), weight("int64", 2)]);
    expect(places.map(({ offset, length }) => [offset, length])).toEqual([
      [0, 4],
      [64, 30],
      [128, 16],
    ]);
    expect(size).toBe(144);
  });

  it.each([
    [(1 << 20) - 1, 64],
    [1 << 20, 1 << 16],
  ])("begins a tensor of %i bytes at a multiple of %i", (bytes, offset) => {
    expect(layOutWeights([weight("uint8", 1), weight("uint8", bytes)]).places[1]?.offset).toBe(offset);
  });

  it("never overlaps, and addresses beyond 4 GiB", () => {
    const sizes = noise(7, 200).map((x) => Math.floor(Math.abs(x) * 60_000_000));
    const { places, size } = layOutWeights(sizes.map((bytes) => weight("uint8", bytes)));
    let end = 0;
    for (const { offset, length } of places) {
      expect(offset).toBeGreaterThanOrEqual(end);
      expect(offset % 64).toBe(0);
      end = offset + length;
    }
    expect(size).toBe(end);
    expect(size).toBeGreaterThan(2 ** 32);
  });

  it("refuses a size that no file could hold", () => {
    expect(() => layOutWeights([weight("float32", 2 ** 40, 2 ** 40)])).toThrow("too large");
  });
});
