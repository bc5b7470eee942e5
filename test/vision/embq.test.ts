import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EmbqSession } from "../../src/vision/embq.ts";
import { VisionEncoder } from "../../src/vision/encoder.ts";
import { relativeError } from "./error.ts";
import { convertParity, type ParityModel } from "./parity.ts";

describe.each(["base", "hd"] as const)("EmbQ against the published model, %s", (golden) => {
  let model: ParityModel;
  let encoder: VisionEncoder;
  let embq: EmbqSession;

  beforeAll(async () => {
    model = await convertParity(golden);
    const { directory, geometry } = model;
    const options = { directory, geometry, threads: 2 } as const;
    encoder = await VisionEncoder.load({ ...options, file: "vision.onnx" });
    embq = await EmbqSession.load({ ...options, file: "embq.onnx" });
  });

  afterAll(async () => {
    await encoder.dispose();
    await embq.dispose();
    await model.remove();
  });

  it("puts back the same query vectors, with questions of different lengths", async () => {
    const lengths = new Set<number>();
    for (const { name, pixels, crops, expected } of model.cases) {
      const { features } = await encoder.encode({ pixels, crops });
      const queries = expected("query_in");
      const text = expected("text_in");
      lengths.add(text.length);
      const out = embq.run({ queries, text, features });
      expect(relativeError(out, expected("query_out")), name).toBeLessThan(1e-4);
      // and EmbQ did something
      expect(relativeError(queries, expected("query_out")), name).toBeGreaterThan(1e-2);
    }
    expect(lengths.size).toBe(model.cases.length);
  });

  it("leaves its inputs as they are and gives the same answer again", async () => {
    const { hiddenSize, featureWidth, queries: count } = model.geometry;
    const queries = new Float32Array(count * hiddenSize).fill(0.25);
    const text = new Float32Array(hiddenSize).fill(-0.5);
    const features = new Float32Array(2 * featureWidth).fill(1);
    const copies = [queries.slice(), text.slice(), features.slice()];
    const first = embq.run({ queries, text, features });
    expect(embq.run({ queries, text, features })).toEqual(first);
    expect([queries, text, features]).toEqual(copies);
    expect(first).toHaveLength(count * hiddenSize);
  });

  it("refuses an empty question, torn rows and another number of queries", async () => {
    const { hiddenSize, featureWidth, queries: count } = model.geometry;
    const queries = new Float32Array(count * hiddenSize);
    const text = new Float32Array(hiddenSize);
    const features = new Float32Array(featureWidth);
    const wrong = [
      [{ queries, text: new Float32Array(), features }, /text: 0 values are not rows/],
      [{ queries, text, features: features.subarray(1) }, /features: \d+ values are not rows/],
      [{ queries: text, text, features }, `EmbQ needs ${count} queries`],
    ] as const;
    for (const [input, message] of wrong) expect(() => embq.run(input)).toThrow(message);
  });
});
