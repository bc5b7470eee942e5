import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { interpolateViridis } from "d3-scale-chromatic";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import type { Attention } from "../../src/engine/api.ts";
import { drawAttention } from "../../src/explain/draw.ts";
import type { RgbPicture } from "../../src/image/decode.ts";
import { noise } from "../formats/onnx/run.ts";

const FIXTURES = join(import.meta.dirname, "..", "fixtures", "explain");

/** A crop of 14 pixels, 4 patches of 3 and a rest of 2; drawn so large that all of it falls on whole pixels. */
const GEOMETRY = { imageSize: 14, patchSize: 3, grid: 4 } as const;
const WIDTH = 140;
const HEIGHT = 100;
const MARGIN = 16;

const PICTURE: RgbPicture = {
  pixels: Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, at) => {
    const pixel = Math.floor(at / 3);
    const [x, y] = [pixel % WIDTH, Math.floor(pixel / WIDTH)];
    return [x + 100, 2 * y, 255 - y][at % 3] ?? 0;
  }),
  width: WIDTH,
  height: HEIGHT,
};

/** Weights from below the scale to above it, no two alike, that are no true softmax. */
function attentionOf(crops: Attention["crops"]): Attention {
  const count = (crops === "tiles" ? 5 : 1) * 16;
  const multiples = noise(11, count).map((x) => 2 ** (x * 4.2 + 1.5));
  const weights = Float32Array.from(multiples, (multiple) => multiple / count);
  return { layer: "embq", queries: 1, crops, ...GEOMETRY, weights };
}

interface Block {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Where a drawing shows patch `column`, `row` of a crop, counted by hand: pixels of the whole drawing. */
function blockOf(crop: number, column: number, row: number): Block {
  if (crop === 0) {
    // squashed: 140 x 100 pixels are 14 x 14, so a patch is 30 wide; heights are no whole numbers
    const [top, bottom] = [row, row + 1].map((edge) => Math.ceil((edge * 3 * HEIGHT) / 14 - 0.5));
    return {
      left: MARGIN + column * 30,
      top: MARGIN + (top ?? 0),
      width: 30,
      height: (bottom ?? 0) - (top ?? 0),
    };
  }
  // the square beside it is 140 x 140, a quarter 70, a patch 15, and the last 10 pixels of a quarter are no patch's
  const [right, below] = { 1: [0, 0], 2: [1, 0], 3: [0, 1], 4: [1, 1] }[crop] ?? [0, 0];
  const square = MARGIN + WIDTH + MARGIN;
  return {
    left: square + (right ?? 0) * 70 + column * 15,
    top: MARGIN + (below ?? 0) * 70 + row * 15,
    width: 15,
    height: 15,
  };
}

/** The picture where the drawing has it, in its own colours; the square's padding is grey. */
function placePicture(canvas: Canvas, crops: Attention["crops"]): void {
  const put = (left: number, top: number): void => {
    for (let y = 0; y < HEIGHT; y++) {
      for (let x = 0; x < WIDTH; x++) {
        const from = (y * WIDTH + x) * 3;
        canvas.set(left + x, top + y, [...PICTURE.pixels.subarray(from, from + 3)]);
      }
    }
  };
  put(MARGIN, MARGIN);
  if (crops === "squash") return;
  const left = MARGIN + WIDTH + MARGIN;
  for (let y = 0; y < 140; y++)
    for (let x = 0; x < 140; x++) canvas.set(left + x, MARGIN + y, [127, 127, 127]);
  put(left, MARGIN + 20);
}

class Canvas {
  readonly pixels: Uint8Array;
  readonly width: number;

  constructor(pixels: Uint8Array, width: number) {
    this.pixels = pixels;
    this.width = width;
  }

  get(x: number, y: number): number[] {
    return [...this.pixels.subarray((y * this.width + x) * 3, (y * this.width + x + 1) * 3)];
  }

  set(x: number, y: number, colour: readonly number[]): void {
    this.pixels.set(colour, (y * this.width + x) * 3);
  }
}

/** The panels of a drawing by a placement of its own; what is around them is taken from `drawing`. */
function placed(attention: Attention, drawing: Canvas): Canvas {
  const canvas = new Canvas(drawing.pixels.slice(), drawing.width);
  placePicture(canvas, attention.crops);
  const patches = attention.weights.length;
  for (const [at, weight] of attention.weights.entries()) {
    const [crop, row, column] = [Math.floor(at / 16), Math.floor((at % 16) / 4), at % 4];
    const octaves = Math.log2(weight * patches * 4) / 7; // from a quarter to 32
    const hex = interpolateViridis(Math.min(1, Math.max(0, octaves)));
    const colour = [1, 3, 5].map((from) => Number.parseInt(hex.slice(from, from + 2), 16));
    const { left, top, width, height } = blockOf(crop, column, row);
    for (let y = top; y < top + height; y++) {
      for (let x = left; x < left + width; x++) {
        const [red = 0, green = 0, blue = 0] = canvas.get(x, y);
        const grey = 64 + 0.5 * (0.299 * red + 0.587 * green + 0.114 * blue);
        canvas.set(
          x,
          y,
          colour.map((channel) => Math.round(0.35 * grey + 0.65 * channel)),
        );
      }
    }
  }
  return canvas;
}

async function decoded(png: Uint8Array): Promise<Canvas & { readonly height: number }> {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect(info.channels).toBe(3);
  return Object.assign(new Canvas(new Uint8Array(data), info.width), { height: info.height });
}

/** The first pixel that differs, in words. */
function difference(a: Canvas, b: Canvas): string | undefined {
  if (a.width !== b.width || a.pixels.length !== b.pixels.length) return "their sizes";
  for (let at = 0; at < a.pixels.length; at += 3) {
    const [x, y] = [(at / 3) % a.width, Math.floor(at / 3 / a.width)];
    const [one, other] = [a.get(x, y), b.get(x, y)];
    if (one.some((value, channel) => value !== other[channel]))
      return `(${x}, ${y}): ${one.join()} and ${other.join()}`;
  }
  return undefined;
}

describe.each(["squash", "tiles"] as const)("a drawing of crops by %s", (crops) => {
  const attention = attentionOf(crops);
  const fixture = join(FIXTURES, `${crops}.png`);

  it("has every patch in its place, and colours no pixel that none reads", async () => {
    const drawing = await decoded(await drawAttention({ picture: PICTURE, attention, side: WIDTH }));
    expect(difference(drawing, placed(attention, drawing))).toBeUndefined();
    // the last pixels of a crop are as they were
    const rest = drawing.get(MARGIN + 139, MARGIN + 50);
    expect(rest).toEqual([...PICTURE.pixels.subarray((50 * WIDTH + 139) * 3, (50 * WIDTH + 140) * 3)]);
  });

  it("is the one that was looked at", async () => {
    const png = await drawAttention({ picture: PICTURE, attention, side: WIDTH });
    if (process.env["FLASHSLOTH_DRAW_GOLDEN"] !== undefined) await writeFile(fixture, png);
    expect(difference(await decoded(png), await decoded(await readFile(fixture)))).toBeUndefined();
  });
});

/** The pixels of the one panel. */
async function panel(options: { attention: Attention; query?: number }): Promise<string> {
  const { pixels, width } = await decoded(await drawAttention({ picture: PICTURE, side: WIDTH, ...options }));
  return Buffer.from(pixels.subarray(0, (MARGIN + HEIGHT) * width * 3)).toString("base64");
}

describe("drawing", () => {
  const attention = attentionOf("squash");

  it("shows one of several queries, or their mean", async () => {
    const [first, second] = [attention.weights, attention.weights.toReversed()];
    const both = { ...attention, queries: 2, weights: Float32Array.from([...first, ...second]) };
    const mean = { ...attention, weights: first.map((weight, at) => (weight + (second[at] ?? 0)) / 2) };
    expect(await panel({ attention: both, query: 1 })).toEqual(await panel({ attention }));
    expect(await panel({ attention: both, query: 2 })).toEqual(
      await panel({ attention: { ...attention, weights: second } }),
    );
    expect(await panel({ attention: both })).toEqual(await panel({ attention: mean }));
  });

  it("is of the same colour wherever the attention is, whatever else there is in the map", async () => {
    const flat = { ...attention, weights: new Float32Array(16).fill(1 / 16) };
    const drawing = await decoded(await drawAttention({ picture: PICTURE, attention: flat, side: WIDTH }));
    expect(difference(drawing, placed(flat, drawing))).toBeUndefined();
    const weights = new Float32Array(16).fill(1 / 16);
    weights[5] = 0.9;
    const peaked = await decoded(
      await drawAttention({ picture: PICTURE, attention: { ...attention, weights }, side: WIDTH }),
    );
    expect(peaked.get(MARGIN + 2, MARGIN + 2)).toEqual(drawing.get(MARGIN + 2, MARGIN + 2));
    expect(peaked.get(MARGIN + 40, MARGIN + 30)).not.toEqual(drawing.get(MARGIN + 40, MARGIN + 30));
  });

  it.each([
    [{ query: 2 }, "numbered from 1 to 1"],
    [{ query: 0 }, "numbered from 1 to 1"],
    [{ query: 1.5 }, "numbered from 1 to 1"],
    [{ side: 10 }, "64 to 4096"],
    [{ side: Number.NaN }, "64 to 4096"],
  ])("refuses %o", async (options, message) => {
    await expect(drawAttention({ picture: PICTURE, attention, ...options })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining(message),
    });
  });

  it("takes a path and bytes, and says what is wrong with a picture that is none", async () => {
    const png = await sharp(PICTURE.pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
      .png()
      .toBuffer();
    const fromBytes = await drawAttention({ picture: png, attention, side: WIDTH });
    const fromPixels = await drawAttention({ picture: PICTURE, attention, side: WIDTH });
    expect(Buffer.compare(fromBytes, fromPixels)).toBe(0);
    await expect(drawAttention({ picture: "nowhere.png", attention })).rejects.toMatchObject({
      code: "image-not-found",
    });
  });
});
