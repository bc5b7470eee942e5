import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { decodePicture, type RgbPicture } from "../../src/image/decode.ts";
import { HeicDecoder } from "../../src/image/heic/decoder.ts";

/**
 * `quarters.heic` was written by Debian's heif-enc (libheif 1.15.1, x265); `grid.heic` by hand, as phones write theirs: four
 * tiles of heif-enc's in a grid that is cut off to the right and below, and turned by `irot`.
 */
const HEIC = resolve(import.meta.dirname, "heic");

async function heic(name: string): Promise<Buffer> {
  return readFile(resolve(HEIC, name));
}

/** The name of the color in the midst of each quarter: top left, top right, bottom left, bottom right. */
function quarters({ pixels, width, height }: RgbPicture): string[] {
  const colors = { red: [255, 0, 0], green: [0, 255, 0], blue: [0, 0, 255], white: [255, 255, 255] };
  return [0.25, 0.75].flatMap((down) =>
    [0.25, 0.75].map((across) => {
      const at = (Math.floor(down * height) * width + Math.floor(across * width)) * 3;
      const near = Object.entries(colors).find(([, color]) =>
        color.every((value, channel) => Math.abs(value - (pixels[at + channel] ?? -99)) < 12),
      );
      return near?.[0] ?? pixels.subarray(at, at + 3).join();
    }),
  );
}

describe("HEIC", () => {
  it("is decoded to its pixels", async () => {
    const picture = await decodePicture({ input: await heic("quarters.heic") });
    expect([picture.width, picture.height]).toEqual([50, 38]);
    expect(picture.pixels).toHaveLength(50 * 38 * 3);
    expect(quarters(picture)).toEqual(["red", "green", "blue", "white"]);
  });

  it("of several tiles is put together and turned upright", async () => {
    const picture = await decodePicture({ input: await heic("grid.heic") });
    expect([picture.width, picture.height]).toEqual([100, 120]);
    // a quarter turn against the clock of the same four
    expect(quarters(picture)).toEqual(["green", "white", "red", "blue"]);
  });

  it("that is damaged is refused, and the next one is decoded", async () => {
    const whole = await heic("quarters.heic");
    for (const part of [0.3, 0.9]) {
      const input = whole.subarray(0, whole.byteLength * part);
      await expect(decodePicture({ input, name: "cut.heic" })).rejects.toMatchObject({
        code: "image-invalid",
        message: expect.stringMatching(/^cut\.heic is a HEIC that is truncated or damaged/) as string,
      });
    }
    const picture = await decodePicture({ input: whole });
    expect(quarters(picture)).toEqual(["red", "green", "blue", "white"]);
  });

  it("that claims to be huge is refused by its header", async () => {
    const bytes = await heic("quarters.heic");
    const size = bytes.lastIndexOf("ispe") + 8;
    bytes.writeUInt32BE(20_000, size);
    bytes.writeUInt32BE(20_000, size + 4);
    await expect(decodePicture({ input: bytes })).rejects.toMatchObject({
      code: "image-too-large",
      message: expect.stringContaining("20,000 x 20,000") as string,
    });
  });
});

describe("HeicDecoder", () => {
  const decoder = new HeicDecoder({ longestMs: 1 });
  afterAll(async () => decoder.close());

  it("ends what takes too long, and goes on", async () => {
    const request = { bytes: await heic("quarters.heic"), maxPixels: 1e6 };
    expect(await decoder.decode(request)).toEqual({ failed: "decoding took more than 0.001 s" });
    const patient = new HeicDecoder();
    const replies = await Promise.all([patient.decode(request), patient.decode(request)]);
    expect(replies).toMatchObject([{ width: 50 }, { width: 50 }]);
    await patient.close();
  });
});
