import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VisionEncoder } from "../../src/vision/encoder.ts";
import { relativeError } from "./error.ts";
import { convertParity, type ParityModel } from "./parity.ts";

const MODELS = [
  ["base", 1],
  ["hd", 1],
  ["base", 1000],
] as const;

describe.each(MODELS)(
  "the vision encoder against the published model, %s, for %i crops",
  (golden, expectedCrops) => {
    let model: ParityModel;
    let encoder: VisionEncoder;

    beforeAll(async () => {
      model = await convertParity(golden);
      const { directory, geometry } = model;
      encoder = await VisionEncoder.load({
        directory,
        file: "vision.onnx",
        geometry,
        threads: 2,
        expectedCrops,
      });
    });

    afterAll(async () => {
      await encoder.dispose();
      await model.remove();
    });

    it("gives the same features and visual tokens for every picture", async () => {
      expect(model.cases.length).toBeGreaterThan(1);
      for (const { name, pixels, crops, featureRows, expected } of model.cases) {
        const { features, visualTokens } = await encoder.encode({ pixels, crops });
        const rows = splitRows(features, model.geometry.featureWidth);
        const chosen = featureRows.flatMap((row) => [...(rows[row] ?? [])]);
        const norms = rows.map((row) => Math.hypot(...row));
        expect(relativeError(chosen, expected("features.rows")), `${name}: rows`).toBeLessThan(1e-5);
        expect(relativeError(norms, expected("features.row_norms")), `${name}: norms`).toBeLessThan(1e-5);
        expect(relativeError(visualTokens, expected("visual_tokens")), `${name}: tokens`).toBeLessThan(1e-5);
      }
    });

    it.runIf(process.platform === "linux")("repacks its weights where that pays", async () => {
      const matrices = 4 * model.geometry.featureWidth ** 2;
      const mapped = await mappedBytes(join(model.directory, "vision.onnx.data"));
      if (expectedCrops === 1) expect(mapped).toBeGreaterThan(matrices);
      else expect(mapped).toBeLessThan(matrices);
    });

    it("says what it runs on", () => {
      expect(encoder.provider).toBe("cpu");
    });

    it("refuses pixels of another size", async () => {
      const [first] = model.cases;
      const pixels = first?.pixels.subarray(1) ?? new Uint8Array();
      await expect(encoder.encode({ pixels, crops: first?.crops ?? 1 })).rejects.toMatchObject({
        code: "internal",
        message: expect.stringContaining(`crops of ${model.geometry.imageSize}`),
      });
    });

    it("stops before a crop when aborted", async () => {
      const { pixels = new Uint8Array(), crops = 1 } = model.cases[0] ?? {};
      const signal = AbortSignal.abort();
      await expect(encoder.encode({ pixels, crops, signal })).rejects.toMatchObject({
        code: "interrupted",
        message: `stopped after 0 of ${crops} crops`,
      });
    });

    it("gives the same picture the same numbers again", async () => {
      const { pixels = new Uint8Array() } = model.cases[0] ?? {};
      const { imageSize: side } = model.geometry;
      const crop = pixels.subarray(0, side * side * 3);
      const first = await encoder.encode({ pixels: crop, crops: 1 });
      const second = await encoder.encode({ pixels: crop, crops: 1 });
      expect(relativeError(second.features, first.features)).toBe(0);
      expect(relativeError(second.visualTokens, first.visualTokens)).toBe(0);
    });
  },
);

/** Address space that holds pages of a file. */
async function mappedBytes(file: string): Promise<number> {
  const maps = (await readFile("/proc/self/maps", "utf8")).split("\n").filter((line) => line.endsWith(file));
  return maps
    .map((line) => line.split(" ", 1).join("").split("-"))
    .reduce((sum, [from = "", to = ""]) => sum + Number.parseInt(to, 16) - Number.parseInt(from, 16), 0);
}

function splitRows(values: Float32Array, width: number): Float32Array[] {
  return Array.from({ length: values.length / width }, (_, row) =>
    values.subarray(row * width, (row + 1) * width),
  );
}
