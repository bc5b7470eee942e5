import { describe, expect, it } from "vitest";
import { decodePicture, SVG_SIDE } from "../../src/image/decode.ts";
import { encoder, noise, png, seeded } from "./make.ts";

const WIDTH = 6;
const HEIGHT = 4;
const picture = noise(WIDTH, HEIGHT, 11);

/** The same picture as an encoder would store it, so that turning it by `orientation` brings it back. */
function turned(orientation: number): { pixels: Uint8Array; width: number; height: number } {
  const sideways = orientation >= 5;
  const width = sideways ? HEIGHT : WIDTH;
  const height = sideways ? WIDTH : HEIGHT;
  const pixels = new Uint8Array(width * height * 3);
  // EXIF 2.32, tag 0x0112: where the stored row 0 and column 0 lie in the upright picture
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const mirroredX = WIDTH - 1 - x;
      const mirroredY = HEIGHT - 1 - y;
      const [row, column] = [
        [y, x],
        [y, mirroredX],
        [mirroredY, mirroredX],
        [mirroredY, x],
        [x, y],
        [mirroredX, y],
        [mirroredX, mirroredY],
        [x, mirroredY],
      ][orientation - 1] ?? [0, 0];
      const from = (y * WIDTH + x) * 3;
      pixels.set(picture.pixels.subarray(from, from + 3), ((row ?? 0) * width + (column ?? 0)) * 3);
    }
  }
  return { pixels, width, height };
}

/** Rows of random samples with the filter byte in front, [height, 1 + stride]. */
function randomRows(stride: number, height: number, seed: number): Uint8Array {
  const random = seeded(seed);
  return Uint8Array.from({ length: (1 + stride) * height }, (_, i) => (i % (1 + stride) ? random(256) : 0));
}

/** The samples of `randomRows` without the filter bytes. */
function samplesOf(rows: Uint8Array, stride: number): number[] {
  return [...rows].filter((_, i) => i % (1 + stride) !== 0);
}

describe("decodePicture", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("turns EXIF orientation %i upright", async (orientation) => {
    const stored = encoder(turned(orientation)).withMetadata({ orientation });
    const lossless = [
      stored.clone().png(),
      stored.clone().webp({ lossless: true }),
      stored.clone().tiff({ compression: "lzw" }),
    ];
    for (const format of lossless) {
      const decoded = await decodePicture({ input: await format.toBuffer() });
      expect(decoded).toEqual(picture);
    }
    const jpeg = await decodePicture({ input: await stored.clone().jpeg().toBuffer() });
    expect([jpeg.width, jpeg.height]).toEqual([WIDTH, HEIGHT]);
  });

  it("drops alpha and keeps the colour under it, in PNG, WebP and TIFF", async () => {
    const random = seeded(3);
    const rgba = Uint8Array.from({ length: WIDTH * HEIGHT * 4 }, (_, i) =>
      i % 4 === 3
        ? ([0, 1, 128, 255][random(4)] ?? 0)
        : (picture.pixels[Math.floor(i / 4) * 3 + (i % 4)] ?? 0),
    );
    const stride = WIDTH * 4;
    const rows = new Uint8Array((1 + stride) * HEIGHT);
    for (let y = 0; y < HEIGHT; y++)
      rows.set(rgba.subarray(y * stride, (y + 1) * stride), y * (1 + stride) + 1);
    const file = png({ width: WIDTH, height: HEIGHT, depth: 8, colour: 6 }, rows);
    expect(await decodePicture({ input: file })).toEqual(picture);
    const { default: sharp } = await import("sharp");
    const stored = sharp(rgba, { raw: { width: WIDTH, height: HEIGHT, channels: 4 } });
    const webp = await stored.clone().webp({ lossless: true, exact: true }).toBuffer();
    expect(await decodePicture({ input: webp })).toEqual(picture);
    const tiff = await stored.clone().tiff({ compression: "lzw" }).toBuffer();
    expect(await decodePicture({ input: tiff })).toEqual(picture);
  });

  it("repeats grey, whatever its depth", async () => {
    const eight = randomRows(5, 3, 1);
    const grey = await decodePicture({ input: png({ width: 5, height: 3, depth: 8, colour: 0 }, eight) });
    expect([...grey.pixels]).toEqual(samplesOf(eight, 5).flatMap((value) => [value, value, value]));

    const one = Uint8Array.of(0, 0b1010_0000, 0, 0b0110_0000);
    const bits = await decodePicture({ input: png({ width: 3, height: 2, depth: 1, colour: 0 }, one) });
    expect([...bits.pixels].filter((_, i) => i % 3 === 0)).toEqual([255, 0, 255, 0, 255, 255]);
  });

  it.each([
    [0, 1],
    [2, 3],
    [4, 2],
    [6, 4],
  ])("keeps the high byte of 16-bit samples, PNG colour type %i", async (colour, channels) => {
    const stride = 5 * channels * 2;
    const rows = randomRows(stride, 3, colour);
    const decoded = await decodePicture({ input: png({ width: 5, height: 3, depth: 16, colour }, rows) });
    const high = samplesOf(rows, stride).filter((_, i) => i % 2 === 0);
    const grey = channels < 3;
    const expected = Array.from({ length: 15 }, (_, pixel) =>
      [0, 1, 2].map((channel) => high[pixel * channels + (grey ? 0 : channel)]),
    ).flat();
    expect([...decoded.pixels]).toEqual(expected);
  });

  it("looks palette colours up, transparent ones too", async () => {
    const palette = Uint8Array.from({ length: 12 }, (_, i) => 20 * i);
    const rows = Uint8Array.of(0, 0, 1, 2, 3);
    const file = png({ width: 4, height: 1, depth: 8, colour: 3 }, rows, [
      ["PLTE", palette],
      ["tRNS", Uint8Array.of(0, 255, 0, 9)],
    ]);
    expect([...(await decodePicture({ input: file })).pixels]).toEqual([...palette]);
  });

  it("gives a GIF's transparent pixels their palette colour", async () => {
    // 1 x 2, palette: orange (transparent) and blue; LZW codes clear, 0, 1, end at 3 bits
    const file = Buffer.concat([
      Buffer.from("GIF89a\x01\0\x02\0\x80\0\0\xff\x80\x00\x00\x00\xff", "latin1"),
      Buffer.from("!\xfe\x02hi\0!\xf9\x04\x01\0\0\0\0", "latin1"),
      Buffer.from(",\0\0\0\0\x01\0\x02\0\0\x02\x02\x44\x0a\0;", "latin1"),
    ]);
    expect(await decodePicture({ input: file })).toEqual({
      pixels: Uint8Array.of(255, 128, 0, 0, 0, 255),
      width: 1,
      height: 2,
    });
  });

  it("takes the first frame of an animation", async () => {
    const second = noise(WIDTH, HEIGHT, 12);
    const stack = {
      pixels: new Uint8Array([...picture.pixels, ...second.pixels]),
      width: WIDTH,
      height: 2 * HEIGHT,
    };
    const { default: sharp } = await import("sharp");
    const raw = { width: WIDTH, height: 2 * HEIGHT, channels: 3, pageHeight: HEIGHT } as const;
    const animation = sharp(stack.pixels, { raw });
    expect(
      await decodePicture({ input: await animation.clone().webp({ lossless: true }).toBuffer() }),
    ).toEqual(picture);
    const gif = await decodePicture({ input: await animation.clone().gif().toBuffer() });
    expect([gif.width, gif.height]).toEqual([WIDTH, HEIGHT]);
  });

  it("ignores colour profiles", async () => {
    const tagged = await encoder(picture).withIccProfile("p3").png().toBuffer();
    const plain = await encoder(picture).png().toBuffer();
    expect(tagged.length).toBeGreaterThan(plain.length);
    const { data } = await encoder(picture).withIccProfile("p3").raw().toBuffer({ resolveWithObject: true });
    expect(Buffer.compare(data, picture.pixels)).not.toBe(0);
    const stored = await decodePicture({ input: tagged });
    expect(Buffer.compare(stored.pixels, data)).toBe(0);
  });

  it("makes a CMYK JPEG's colours plausible", async () => {
    const { default: sharp } = await import("sharp");
    const red = await sharp({ create: { width: 16, height: 16, channels: 3, background: "#e00000" } })
      .toColourspace("cmyk")
      .jpeg()
      .toBuffer();
    expect((await sharp(red).metadata()).space).toBe("cmyk");
    const { pixels } = await decodePicture({ input: red });
    const [r = 0, g = 0, b = 0] = pixels;
    expect(r).toBeGreaterThan(150);
    expect(Math.max(g, b)).toBeLessThan(80);
  });

  it.each([
    'viewBox="0 0 24 12"',
    'width="24" height="12"',
    'width="20000" height="10000" viewBox="0 0 24 12"',
  ])("draws an SVG with %s large enough and on white", async (size) => {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size}><rect width="6" height="12"/></svg>`;
    const { pixels, width, height } = await decodePicture({ input: Buffer.from(svg) });
    expect([width, height]).toEqual([SVG_SIDE, SVG_SIDE / 2]);
    expect(pixels[0]).toBe(0);
    expect(pixels.at(-1)).toBe(255);
  });

  it("does not let an SVG read other files", async () => {
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="8" height="8">' +
      `<image width="8" height="8" xlink:href="file://${process.cwd()}/test/fixtures/parity/photo.png"/></svg>`;
    const { pixels } = await decodePicture({ input: Buffer.from(svg) });
    expect(pixels.every((value) => value === 255)).toBe(true);
  });
});
