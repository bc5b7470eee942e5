import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Converter, ConversionRequest } from "../../src/store/converter.ts";

/** A converter that copies the weights into the files of a model: what the store does around it is what is tested. */
export function fakeConverter(options: { calls?: ConversionRequest[]; delayMs?: number } = {}): Converter {
  return convertingBy(async (request) => {
    options.calls?.push(request);
    const { visionPrecision: precision = "fp32", visionBudget: budget = 0.03 } = request;
    const mixed = { budget, pictures: 6, calibration: "made", int8: 1, exact: [], apartInputs: 0 };
    const vision = {
      precision,
      featureError: 0.01,
      tokenError: 0.02,
      ...(precision === "mixed" && { mixed }),
    };
    await mkdir(request.out, { recursive: true });
    const config = await readFile(join(request.checkpoint, "config.json"));
    const files: { name: string; size: number; sha256: string }[] = [];
    const names = ["vision.onnx", "embq.onnx", "language.gguf", "queries.f32"];
    for (const [index, name] of names.entries()) {
      await writeFile(join(request.out, name), config);
      if (options.delayMs !== undefined) await sleep(options.delayMs, undefined, { signal: request.signal });
      files.push({
        name,
        size: config.byteLength,
        sha256: createHash("sha256").update(config).digest("hex"),
      });
      request.onProgress?.({ stage: "convert", step: name, done: index + 1, total: names.length });
    }
    const count = {
      imageSize: 1,
      featuresPerCrop: 1,
      featureWidth: 1,
      tokensPerCrop: 1,
      hiddenSize: 1,
      layers: 1,
      vocabSize: 1,
      contextLength: 1,
      queries: 1,
      embqLayer: 1,
    };
    const manifest = {
      format: 1,
      name: request.name,
      source: request.source,
      license: "apache-2.0",
      createdBy: "test",
      quant: request.quant ?? "f16",
      ...(precision === "fp32" ? {} : { vision }),
      geometry: { ...count, crops: "squash", endTokens: [0] },
      roles: { vision: names[0], embq: names[1], language: names[2], queries: names[3] },
      embeddings: { offset: 0 },
      files,
    };
    await writeFile(join(request.out, "manifest.json"), JSON.stringify(manifest));
  });
}

/** A converter that takes any checkpoint. */
export function convertingBy(convert: Converter["convert"]): Converter {
  return { examine: async () => ({ peak: 0, remarks: [], close: async () => undefined }), convert };
}
