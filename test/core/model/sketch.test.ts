import { describe, expect, it } from "vitest";
import { sketch, sketchError } from "../../../src/core/model/sketch.ts";
import { random } from "../../random.ts";

const LENGTH = 729 * 48;

function values(seed: number): Float32Array {
  const next = random(seed);
  return Float32Array.from({ length: LENGTH }, () => next() * 2 - 1);
}

function norm(array: Float32Array): number {
  return Math.hypot(...array);
}

describe("the sketch of an array", () => {
  it("is the same for the same array, and says nothing differs", () => {
    expect(sketch(values(1))).toBe(sketch(values(1)));
    expect(sketchError(sketch(values(1)), sketch(values(1)))).toBe(0);
  });

  it("tells how far another array is away, within a fifth", () => {
    const array = values(2);
    for (const scale of [1e-4, 1e-2, 0.3]) {
      const noise = values(3).map((value) => value * scale);
      const other = array.map((value, index) => value + (noise[index] ?? 0));
      const found = sketchError(sketch(other), sketch(array));
      expect(found / (norm(noise) / norm(array))).toBeGreaterThan(0.8);
      expect(found / (norm(noise) / norm(array))).toBeLessThan(1.2);
    }
  });

  it("sees a single row that is wrong, wherever it is and however it went wrong", () => {
    const array = values(4);
    for (let row = 0; row < 729; row += 13) {
      for (const wrong of [(): number => 0, (value: number) => -value, (value: number) => 2 * value]) {
        const other = array.slice();
        const [from, to] = [row * 48, (row + 1) * 48];
        other.set(array.subarray(from, to).map(wrong), from);
        expect(sketchError(sketch(other), sketch(array))).toBeGreaterThan(1e-2);
      }
    }
  });

  it("is no number where the array has values that are none, or the text is no sketch", () => {
    const array = values(5);
    const broken = array.slice();
    broken[17] = Number.NaN;
    expect(sketchError(sketch(broken), sketch(array))).toBeNaN();
    expect(sketchError(sketch(broken.fill(Infinity)), sketch(array))).toBeNaN();
    expect(sketchError("", sketch(array))).toBeNaN();
    expect(sketchError(sketch(array), "AAAA")).toBeNaN();
  });
});
