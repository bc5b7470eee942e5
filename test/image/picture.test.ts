import { readFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { cutCrops } from "../../src/image/crops.ts";
import { digestOf, preparePicture } from "../../src/image/picture.ts";
import { noise } from "./make.ts";

const PARITY = join(import.meta.dirname, "../fixtures/parity");

async function golden(name: string): Promise<Buffer> {
  return sharp(join(PARITY, `${name}.pixels.png`))
    .removeAlpha()
    .raw()
    .toBuffer();
}

describe("preparePicture", () => {
  it.each([
    ["base", "photo", "squash", 1],
    ["base", "alpha", "squash", 1],
    ["hd", "photo", "tiles", 5],
    ["hd", "gray", "tiles", 5],
  ] as const)("makes the pixels of the published code: %s, %s.png", async (variant, image, crops, count) => {
    const path = join(PARITY, `${image}.png`);
    const prepared = await preparePicture({ input: path, imageSize: 384, crops });
    const expected = await golden(`${variant}.${image}`);
    expect(prepared.pixels.length).toBe(count * 384 * 384 * 3);
    expect(Buffer.compare(prepared.pixels, expected)).toBe(0);
    const { width, height } = await sharp(path).metadata();
    expect(prepared).toMatchObject({ crops: count, size: 384, width, height });
    const fromBytes = await preparePicture({ input: await readFile(path), imageSize: 384, crops });
    expect(Buffer.compare(fromBytes.pixels, prepared.pixels)).toBe(0);
  });

  it("calls bytes by the name that it is given", async () => {
    const picture = {
      input: Uint8Array.of(0, 1),
      imageSize: 8,
      crops: "squash",
      name: "standard input",
    } as const;
    await expect(preparePicture(picture)).rejects.toThrow("standard input is not a picture");
  });
});

describe("cutCrops", () => {
  it.each([
    [9, 4],
    [4, 9],
    [8, 8],
    [1, 6],
  ])(
    "pads %i x %i to a centred grey square, the odd row or column right or below, and quarters it",
    (width, height) => {
      const longer = Math.max(width, height);
      const picture = noise(width, height, width);
      const square = new Uint8Array(longer * longer * 3).fill(127);
      const left = Math.floor((longer - width) / 2);
      const top = Math.floor((longer - height) / 2);
      for (let y = 0; y < height; y++) {
        square.set(
          picture.pixels.subarray(y * width * 3, (y + 1) * width * 3),
          ((top + y) * longer + left) * 3,
        );
      }
      const side = 6;
      const tiles = cutCrops(picture, side, "tiles"); // [5, 6, 6, 3]
      const large = cutCrops({ pixels: square, width: longer, height: longer }, 2 * side, "squash"); // [12, 12, 3]
      expect(tiles.slice(0, side * side * 3)).toEqual(cutCrops(picture, side, "squash"));
      for (let y = 0; y < 2 * side; y++) {
        for (let x = 0; x < 2 * side; x++) {
          const tile = 1 + 2 * Number(y >= side) + Number(x >= side);
          const at = ((tile * side + (y % side)) * side + (x % side)) * 3;
          const from = (y * 2 * side + x) * 3;
          expect(tiles.slice(at, at + 3)).toEqual(large.slice(from, from + 3));
        }
      }
    },
  );
});

describe("the digest of a picture", () => {
  it("depends on every pixel and on how they are cut", () => {
    const pixels = new Uint8Array(4 * 3 * 4).fill(7);
    const picture = { pixels, crops: 4, size: 2 };
    const digest = digestOf(picture);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(digestOf({ ...picture, pixels: pixels.slice() })).toBe(digest);
    expect(digestOf({ ...picture, crops: 1, size: 4 })).not.toBe(digest);
    for (let at = 0; at < pixels.length; at++) {
      expect(digestOf({ ...picture, pixels: pixels.with(at, 8) })).not.toBe(digest);
    }
  });
});
