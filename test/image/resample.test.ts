import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { bicubicWeights, resample, wholeCanvas } from "../../src/image/resample.ts";
import { noise } from "./make.ts";

const ONE = 1 << 22;
const SIZES = [
  [1, 1],
  [1, 384],
  [2, 7],
  [383, 384],
  [384, 384],
  [385, 384],
  [4000, 384],
  [100_000, 17],
] as const;

/**
 * Width and height, the new ones, and the start of the SHA-256 that Pillow 12.3 gives for
 * `Image.frombytes("RGB", (w, h), noise).resize((w2, h2), Image.BICUBIC).tobytes()`.
 */
const PILLOW = [
  [1, 1, 5, 3, "8a55599187834765"],
  [7, 5, 16, 16, "b02a1f8f8ea841c9"],
  [640, 427, 384, 384, "3d744694c153bd11"],
  [97, 301, 384, 384, "08a35ad22d70bb93"],
  [385, 383, 384, 384, "6c383d1b0da9c2a3"],
  [50, 60, 50, 17, "2b52202a27517f88"],
  [60, 50, 17, 50, "d8b75cb71e89df6b"],
  [3, 700, 24, 24, "f6be1c145bfdf566"],
  [700, 3, 24, 24, "2daa71157b745b25"],
  [2000, 11, 64, 64, "cfa0101f5aaf87cc"],
  [200, 200, 1, 1, "79a3837141c281bf"],
] as const;

describe("bicubicWeights", () => {
  it.each(SIZES)("%i to %i: stay inside, move forward, sum to one", (inputs, outputs) => {
    const { first, count, values, stride } = bicubicWeights(inputs, outputs);
    let previous = 0;
    for (let out = 0; out < outputs; out++) {
      const start = first[out] ?? -1;
      const taps = count[out] ?? 0;
      expect(start).toBeGreaterThanOrEqual(previous);
      expect(taps).toBeGreaterThan(0);
      expect(taps).toBeLessThanOrEqual(stride);
      expect(start + taps).toBeLessThanOrEqual(inputs);
      previous = start;
      const used = values.subarray(out * stride, out * stride + taps);
      const sum = used.reduce((total, weight) => total + weight, 0);
      // each of the weights was rounded by at most a half
      expect(Math.abs(sum - ONE)).toBeLessThanOrEqual(taps / 2);
    }
    expect((first[outputs - 1] ?? 0) + (count[outputs - 1] ?? 0)).toBe(inputs);
  });
});

describe("resample", () => {
  it("leaves a picture of the wanted size as it is", () => {
    const { pixels, width } = noise(31, 17, 2);
    expect(resample(wholeCanvas(pixels, width), 31, 17)).toEqual(pixels);
  });

  it.each([0, 1, 127, 254, 255])("keeps a plain %i plain", (level) => {
    const pixels = new Uint8Array(37 * 23 * 3).fill(level);
    for (const size of [5, 64]) {
      expect(resample(wholeCanvas(pixels, 37), size, size).every((value) => value === level)).toBe(true);
    }
  });

  it("clips where the cubic overshoots, in place of wrapping round", () => {
    const pixels = new Uint8Array(8 * 8 * 3);
    pixels.fill(255, pixels.length / 2);
    const out = resample(wholeCanvas(pixels, 8), 64, 64);
    expect(out.subarray(0, 24 * 64 * 3).every((value) => value === 0)).toBe(true);
    expect(out.subarray(40 * 64 * 3).every((value) => value === 255)).toBe(true);
  });

  it("treats the three channels alike and apart", () => {
    const { pixels, width } = noise(40, 30, 3);
    const swapped = pixels.slice();
    for (let i = 0; i < pixels.length; i += 3) swapped.set(pixels.slice(i, i + 3).toReversed(), i);
    const straight = resample(wholeCanvas(pixels, width), 16, 16);
    const crossed = resample(wholeCanvas(swapped, width), 16, 16);
    for (let i = 0; i < straight.length; i += 3) crossed.set(crossed.slice(i, i + 3).toReversed(), i);
    expect(crossed).toEqual(straight);
  });

  it.each(PILLOW)(
    "%i x %i to %i x %i is Pillow's, bit for bit",
    (width, height, toWidth, toHeight, sha256) => {
      const { pixels } = noise(width, height, width * 1000 + height);
      const out = resample(wholeCanvas(pixels, width), toWidth, toHeight);
      expect(createHash("sha256").update(out).digest("hex").slice(0, 16)).toBe(sha256);
    },
  );

  it("lays a picture on a grey canvas as if the canvas had been drawn", () => {
    const { pixels } = noise(20, 9, 4);
    for (const [canvasWidth, canvasHeight, left, top] of [
      [20, 20, 0, 5],
      [33, 9, 6, 0],
      [25, 30, 3, 11],
    ] as const) {
      const drawn = new Uint8Array(canvasWidth * canvasHeight * 3).fill(127);
      for (let y = 0; y < 9; y++) {
        drawn.set(pixels.subarray(y * 60, (y + 1) * 60), ((top + y) * canvasWidth + left) * 3);
      }
      const canvas = { pixels, width: 20, height: 9, canvasWidth, canvasHeight, left, top, grey: 127 };
      for (const size of [8, 48]) {
        expect(resample(canvas, size, size)).toEqual(resample(wholeCanvas(drawn, canvasWidth), size, size));
      }
    }
  });
});
