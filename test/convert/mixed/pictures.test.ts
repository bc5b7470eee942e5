import { cp, mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { MADE_PICTURES, madePicture } from "../../../src/image/made-pictures.ts";
import { calibrationPictures } from "../../../src/convert/mixed/pictures.ts";
import { preparePicture } from "../../../src/image/picture.ts";
import { withDirectory } from "../../formats/onnx/run.ts";

const DRAWINGS = resolve(import.meta.dirname, "../../fixtures/eval");
const SIDE = 42;

describe("pictures to calibrate with", () => {
  it("are made where nobody gave any: different ones, each with detail, always the same", async () => {
    const { crops, kind } = await calibrationPictures({ imageSize: SIDE, crops: "squash" });
    expect(kind).toBe("made");
    expect(crops).toHaveLength(MADE_PICTURES);
    expect(new Set(crops.map((crop) => Buffer.from(crop).toString("base64"))).size).toBe(MADE_PICTURES);
    for (const [index, crop] of crops.entries()) {
      expect(crop).toHaveLength(SIDE * SIDE * 3);
      expect(crop).toEqual(madePicture(index, SIDE));
      expect(new Set(crop).size).toBeGreaterThan(8);
    }
  });

  it("are the user's, whatever else is in the folder", async () => {
    await withDirectory(async (directory) => {
      await writeFile(join(directory, "a-note.txt"), "not a picture");
      await mkdir(join(directory, "b"));
      await cp(join(DRAWINGS, "023.png"), join(directory, "c.png"));
      await cp(join(DRAWINGS, "087.jpg"), join(directory, "d.jpg"));
      const given = await calibrationPictures({ directory, imageSize: SIDE, crops: "squash" });
      expect(given.kind).toBe("given");
      const expected = await Promise.all(
        ["c.png", "d.jpg"].map(async (name) =>
          preparePicture({ input: join(directory, name), imageSize: SIDE, crops: "squash" }),
        ),
      );
      expect(given.crops).toEqual(expected.map(({ pixels }) => pixels));

      // one crop of each, another of each next one
      const tiled = await calibrationPictures({ directory, imageSize: SIDE, crops: "tiles" });
      const second = await preparePicture({
        input: join(directory, "d.jpg"),
        imageSize: SIDE,
        crops: "tiles",
      });
      expect(tiled.crops[1]).toEqual(second.pixels.slice(SIDE * SIDE * 3, 2 * SIDE * SIDE * 3));
    });
  });

  it("are a few of many, from the whole of the folder", async () => {
    const { crops } = await calibrationPictures({ directory: DRAWINGS, imageSize: SIDE, crops: "squash" });
    expect(crops).toHaveLength(8);
    const last = await preparePicture({ input: join(DRAWINGS, "001.png"), imageSize: SIDE, crops: "squash" });
    expect(crops.slice(1)).not.toContainEqual(last.pixels);
  });

  it("are missed where there are none", async () => {
    await withDirectory(async (directory) => {
      const options = { imageSize: SIDE, crops: "squash" } as const;
      await expect(calibrationPictures({ ...options, directory })).rejects.toMatchObject({
        code: "usage",
        message: expect.stringContaining("holds no picture") as string,
      });
      const nowhere = join(directory, "nowhere");
      await expect(calibrationPictures({ ...options, directory: nowhere })).rejects.toMatchObject({
        code: "usage",
      });
    });
  });
});
