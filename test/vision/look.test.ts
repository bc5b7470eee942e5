import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/open.ts";
import { meanOverHeads, windowsToGrid } from "../../src/engine/attention.ts";
import { VisionEncoder } from "../../src/vision/encoder.ts";
import { EmbqLook, SapLook } from "../../src/vision/look.ts";
import { furthest, relativeError } from "./error.ts";
import { convertParity, type ParityModel } from "./parity.ts";
import { PlainAttention } from "./plain-attention.ts";

describe.each(["base", "hd"] as const)("attention of the published shapes, %s", (golden) => {
  let model: ParityModel;
  let features: Float32Array;
  let queries: Float32Array;
  let text: Float32Array;
  let embq: EmbqLook;
  let sap: SapLook;

  beforeAll(async () => {
    model = await convertParity(golden);
    const { directory, geometry } = model;
    const encoder = await VisionEncoder.load({
      directory,
      geometry,
      file: "vision.onnx",
      threads: 2,
    });
    const [first] = model.cases;
    if (first === undefined) throw new Error("the golden has no case");
    ({ features } = await encoder.encode(first));
    [queries, text] = [first.expected("query_in"), first.expected("text_in")];
    await encoder.dispose();
    embq = await EmbqLook.load({ directory, geometry, file: "embq.look.onnx", threads: 2 });
    sap = await SapLook.load({ directory, geometry, file: "sap.look.onnx", threads: 2 });
  });

  afterAll(async () => {
    await embq?.dispose();
    await sap?.dispose();
    await model?.remove();
  });

  it("is EmbQ's by its definition, for every query", { timeout: 60_000 }, async () => {
    const { featureWidth } = model.geometry;
    // of five crops a fifth of the rows, for the plain loops' sake
    const step = golden === "base" ? 1 : 5;
    const seen = features.filter((_, at) => Math.floor(at / featureWidth) % step === 0);
    const count = seen.length / featureWidth;
    const heads = embq.run({ queries, text, features: seen });
    expect(heads).toHaveLength(4 * 9 * count);
    const mean = meanOverHeads(heads, 9, count);
    const checkpoint = await openCheckpoint({ directory: model.source });
    const expected = await new PlainAttention(checkpoint).embq(queries, text, seen);
    await checkpoint.close();
    expect(furthest(mean, expected)).toBeLessThan(1e-5);
    expect(relativeError(mean, [...expected])).toBeLessThan(1e-5);
    expect(relativeError(Float32Array.from(expected).fill(1 / count), [...expected])).toBeGreaterThan(1e-2);
  });

  it("is the pooling's by its definition, in every crop", { timeout: 60_000 }, async () => {
    const { featuresPerCrop, featureWidth, tokensPerCrop } = model.geometry;
    const weights = windowsToGrid(
      sap.run(features),
      Math.sqrt(featuresPerCrop),
      Math.sqrt(featuresPerCrop / tokensPerCrop),
    );
    expect(weights).toHaveLength(features.length / featureWidth);
    const checkpoint = await openCheckpoint({ directory: model.source });
    const plain = new PlainAttention(checkpoint);
    const crops = golden === "base" ? [0] : [3];
    for (const crop of crops) {
      const length = featuresPerCrop * featureWidth;
      const expected = await plain.pooling(features.subarray(crop * length, (crop + 1) * length));
      const actual = weights.subarray(crop * featuresPerCrop, (crop + 1) * featuresPerCrop);
      expect(furthest(actual, expected)).toBeLessThan(1e-5);
      expect(relativeError(actual, [...expected])).toBeLessThan(1e-5);
      expect(relativeError(Float32Array.from(expected).fill(1 / 9), [...expected])).toBeGreaterThan(1e-2);
    }
    await checkpoint.close();
  });
});
