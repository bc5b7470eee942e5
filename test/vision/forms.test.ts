import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/open.ts";
import type { Checkpoint } from "../../src/checkpoint/types.ts";
import { writeGraphPart } from "../../src/convert/onnx/part.ts";
import { visionGraph, writeVisionGraph } from "../../src/convert/onnx/write.ts";
import { writeGpuGraphs } from "../../src/convert/vision.ts";
import { VisionEncoder, type EncodedCrops } from "../../src/vision/encoder.ts";
import { visionForms } from "../../src/vision/form.ts";
import { TINY, TINY_CONFIG, tinyCheckpoint } from "../convert/onnx/tiny.ts";
import { withDirectory } from "../formats/onnx/run.ts";
import { relativeError } from "./error.ts";
import { convertParity, type ParityModel } from "./parity.ts";
import { roundedProducts } from "./rounded-products.ts";

describe.each(["base", "hd"] as const)("the graphs for GPUs on the CPU, %s", (golden) => {
  let model: ParityModel;

  beforeAll(async () => {
    model = await convertParity(golden);
    const { directory, source } = model;
    const checkpoint = await openCheckpoint({ directory: source });
    const part = roundedProducts(visionGraph({ checkpoint, crops: "any", arithmetic: "float16" }));
    const whole = visionGraph({ checkpoint });
    await writeGraphPart({ part, whole, directory, data: "vision.onnx.data", file: "rounded.onnx" });
    await checkpoint.close();
  });

  afterAll(async () => model?.remove());

  async function encode(file: string, cropsPerRun: number): Promise<EncodedCrops[]> {
    const { directory, geometry, cases } = model;
    const encoder = await VisionEncoder.load({ directory, file, cropsPerRun, geometry, threads: 1 });
    try {
      const all: EncodedCrops[] = [];
      for (const { pixels, crops } of cases) all.push(await encoder.encode({ pixels, crops }));
      return all;
    } finally {
      await encoder.dispose();
    }
  }

  const all = [
    ["vision.batch.onnx", 8, 0, 1e-5],
    ["rounded.onnx", 8, 1e-5, 1e-3], // products in float16 as a device rounds them
    ["vision.batch.onnx", 3, 0, 1e-5],
    ["vision.half.onnx", 8, 0, 1e-5], // whose products the CPU computes in float32, of weights that float16 holds
  ] as const;
  it.each(golden === "base" ? all : all.slice(0, 2))(
    "%s gives what the published model does, in runs of up to %i crops",
    async (file, cropsPerRun, least, most) => {
      const found = await encode(file, cropsPerRun);
      const width = model.geometry.featureWidth;
      for (const [at, { name, featureRows, expected }] of model.cases.entries()) {
        const { features = new Float32Array(), visualTokens = [] } = found[at] ?? {};
        const rows = featureRows.flatMap((row) => [...features.subarray(row * width, (row + 1) * width)]);
        const errors = [
          relativeError(rows, expected("features.rows")),
          relativeError(visualTokens, expected("visual_tokens")),
        ];
        console.log(
          `${golden} ${name}, ${file}: ${errors.map((error) => error.toExponential(1)).join(", ")}`,
        );
        expect(Math.max(...errors), name).toBeLessThan(most);
        expect(Math.min(...errors), name).toBeGreaterThan(least);
      }
    },
  );

  it("refuses several crops a run of a graph that takes one", async () => {
    await expect(encode("vision.onnx", 8)).rejects.toMatchObject({
      code: "model-invalid",
      message: expect.stringContaining("pixels"),
    });
  });
});

it("a picture that float16 cannot hold is encoded in float32, as if there were no float16", async () => {
  await withDirectory(async (directory) => {
    const checkpoint = largerThanHalf();
    const vision = visionGraph({ checkpoint });
    await writeVisionGraph({ checkpoint, directory });
    await writeGpuGraphs({ checkpoint, vision, directory });
    const { imageSize, hiddenSize: featureWidth } = TINY.vision;
    const grid = TINY_CONFIG.vision.grid;
    const tokensPerCrop = (grid / TINY_CONFIG.sap.window) ** 2;
    const { hiddenSize } = TINY;
    const geometry = { imageSize, featuresPerCrop: grid ** 2, featureWidth, tokensPerCrop, hiddenSize };
    const pixels = Uint8Array.from({ length: 2 * imageSize ** 2 * 3 }, (_, at) => (at * 37) % 256);
    const encode = async (file: string, exactFile?: string): Promise<EncodedCrops> => {
      const encoder = await VisionEncoder.load({ directory, file, exactFile, geometry, cropsPerRun: 2 });
      const encoded = await encoder.encode({ pixels, crops: 2 });
      await encoder.dispose();
      return encoded;
    };
    expect((await encode("vision.half.onnx")).features.every((value) => Number.isFinite(value))).toBe(false);
    expect(await encode("vision.half.onnx", "vision.batch.onnx")).toEqual(await encode("vision.batch.onnx"));
  });
});

/** A checkpoint one of whose matrices has values beyond 65504. */
function largerThanHalf(): Checkpoint {
  const checkpoint = tinyCheckpoint();
  return {
    ...checkpoint,
    readFloat32: async (name) => {
      const values = await checkpoint.readFloat32(name);
      return name.endsWith("1.mlp.fc2.weight") ? values.map((value) => value * 1e6) : values;
    },
  };
}

function names(...args: Parameters<typeof visionForms>): string[] {
  return visionForms(...args).map(({ file, cropsPerRun }) => `${file} ${cropsPerRun}`);
}

describe("the forms of an encoder", () => {
  const old = { vision: "v.onnx", embq: "e.onnx", language: "l.gguf", queries: "q.f32" };
  const roles = { ...old, visionBatch: "b.onnx", visionHalf: "h.onnx" };

  it("are all of them on a GPU, the fastest first, and one crop a run on the CPU and on CoreML", () => {
    for (const provider of ["cuda", "webgpu"] as const) {
      expect(names(roles, provider)).toEqual(["h.onnx 8", "b.onnx 8", "v.onnx 1"]);
    }
    for (const provider of ["cpu", "coreml"] as const) expect(names(roles, provider)).toEqual(["v.onnx 1"]);
  });

  it("are the one that every model has where the folder is from before", () => {
    expect(names(old, "cuda")).toEqual(["v.onnx 1"]);
  });
});
