import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import {
  CARD_FILE,
  MANIFEST_FILE,
  type Manifest,
  parseManifest,
  readManifest,
} from "../../src/core/model/manifest.ts";
import { VISION_PRECISIONS, type VisionPrecision } from "../../src/core/model/variant.ts";
import { VisionEncoder } from "../../src/vision/encoder.ts";
import { relativeError } from "../vision/error.ts";

const DRAWINGS = fileURLToPath(new URL("../fixtures/eval", import.meta.url));
const DEMO = fileURLToPath(new URL("../../src/store/demo/checkpoint", import.meta.url));

let folder: string;
const models = new Map<VisionPrecision, Manifest>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-precision-"));
  for (const visionPrecision of VISION_PRECISIONS) {
    const out = join(folder, visionPrecision);
    models.set(
      visionPrecision,
      await convertCheckpoint({ checkpoint: DEMO, out, name: "demo", visionPrecision }),
    );
  }
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** features of a picture of noise */
async function features(precision: VisionPrecision): Promise<Float32Array> {
  const directory = join(folder, precision);
  const { geometry, roles } = await readManifest(directory);
  const encoder = await VisionEncoder.load({
    directory,
    file: roles.vision,
    geometry,
    threads: 1,
  });
  const pixels = Uint8Array.from(
    { length: geometry.imageSize ** 2 * 3 },
    (_, i) => Math.imul(i, 2_654_435_761) >>> 24,
  );
  const encoded = await encoder.encode({ pixels, crops: 1 });
  await encoder.dispose();
  return encoded.features;
}

describe("convertCheckpoint with a vision precision", () => {
  it("says nothing about fp32, which is exact", () => {
    expect(models.get("fp32")?.vision).toBeUndefined();
  });

  it.each([
    ["fp16", 0, 1e-3],
    ["mixed", 1e-4, 0.03],
    ["int8", 1e-4, 0.2],
  ] as const)("writes the error of %s in the manifest, and it is one", async (precision, atLeast, below) => {
    const written = (await readManifest(join(folder, precision))).vision;
    expect(written?.precision).toBe(precision);
    for (const error of [written?.featureError, written?.tokenError]) {
      expect(error).toBeGreaterThanOrEqual(atLeast);
      expect(error).toBeLessThan(below);
    }
    const seen = relativeError(await features(precision), await features("fp32"));
    expect(seen).toBeGreaterThanOrEqual(atLeast);
    expect(seen).toBeLessThan(below);
  });

  it("says what was chosen for a mixed encoder, and of no other", async () => {
    const { mixed } = (await readManifest(join(folder, "mixed"))).vision ?? {};
    expect(mixed).toMatchObject({ budget: 0.03, pictures: 6, calibration: "made" });
    expect(mixed?.int8).toBeGreaterThan(0);
    expect((await readManifest(join(folder, "int8"))).vision?.mixed).toBeUndefined();
  });

  it("keeps a mixed encoder within the bound that is asked for, on pictures that are given", async () => {
    const out = join(folder, "tight");
    const options = { checkpoint: DEMO, out, name: "demo", visionPrecision: "mixed" } as const;
    const given = { visionBudget: 5e-3, calibrate: DRAWINGS };
    const { vision } = await convertCheckpoint({ ...options, ...given });
    expect(vision?.mixed).toMatchObject({ budget: 5e-3, pictures: 8, calibration: "given" });
    expect(vision?.mixed?.int8).toBeLessThan(models.get("mixed")?.vision?.mixed?.int8 ?? 0);
    expect(Math.max(vision?.featureError ?? 1, vision?.tokenError ?? 1)).toBeLessThan(5e-3);
    await rm(out, { recursive: true });
  });

  it("refuses a bound that cannot be kept, or that no precision but mixed has", async () => {
    const options = { checkpoint: DEMO, out: join(folder, "refused"), name: "demo" };
    const bounds = [
      [0, "mixed"],
      [1e-4, "mixed"],
      [0.6, "mixed"],
      [Number.NaN, "mixed"],
      [0.03, "int8"],
      [0.03, undefined],
    ] as const;
    for (const [visionBudget, visionPrecision] of bounds) {
      const wanted = { ...options, visionBudget, visionPrecision };
      await expect(convertCheckpoint(wanted)).rejects.toMatchObject({ code: "usage" });
    }
  });

  it("goes on after a mixed encoder that an earlier run finished", async () => {
    const out = join(folder, "resumed");
    const options = { checkpoint: DEMO, out, name: "demo", visionPrecision: "mixed" } as const;
    const stop = new AbortController();
    const stages: string[] = [];
    const onProgress = ({ stage }: { stage: string }): void => {
      stages.push(stage);
      if (stage === "embq") stop.abort();
    };
    const first = convertCheckpoint({ ...options, signal: stop.signal, onProgress });
    await expect(first).rejects.toMatchObject({ code: "interrupted" });
    expect(stages).toContain("calibrate");
    stages.length = 0;
    const manifest = await convertCheckpoint({ ...options, onProgress: ({ stage }) => stages.push(stage) });
    expect(stages).not.toContain("calibrate");
    expect(stages).not.toContain("vision");
    expect(manifest).toEqual(models.get("mixed"));
    await rm(out, { recursive: true });
  });

  it("writes graphs for GPUs where the matrices are float, small ones beside the weights of the first", async () => {
    for (const [precision, { roles, files }] of models) {
      const forGpus = [roles.visionBatch, roles.visionHalf];
      const exact = precision === "fp32" || precision === "fp16";
      expect(forGpus, precision).toEqual(
        exact ? ["vision.batch.onnx", "vision.half.onnx"] : [undefined, undefined],
      );
      const sizes = files.filter(({ name }) => forGpus.includes(name)).map(({ size }) => size);
      expect(sizes).toHaveLength(exact ? 2 : 0);
      expect(Math.max(0, ...sizes)).toBeLessThan(100_000);
    }
  });

  it("leaves nothing of the comparison behind", async () => {
    for (const [precision, { files }] of models) {
      const names = [...files.map(({ name }) => name), CARD_FILE, MANIFEST_FILE].toSorted();
      expect((await readdir(join(folder, precision))).toSorted()).toEqual(names);
    }
  });

  it("refuses a manifest with an error that is none", () => {
    const text = JSON.stringify(models.get("int8"));
    expect(() => parseManifest(text.replace(/"tokenError":[^}]+/, '"tokenError":-1'), "here")).toThrow(
      "tokenError",
    );
    expect(() => parseManifest(text.replace('"precision":"int8"', '"precision":"int3"'), "here")).toThrow(
      "precision",
    );
  });
});
