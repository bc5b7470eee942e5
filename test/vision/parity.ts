import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import * as v from "valibot";
import { openCheckpoint } from "../../src/checkpoint/open.ts";
import type { CheckpointConfig } from "../../src/checkpoint/types.ts";
import { embqLookGraph, sapLookGraph } from "../../src/convert/onnx/look.ts";
import { writeGraphPart } from "../../src/convert/onnx/part.ts";
import { embqGraph, visionGraph, writeEmbqGraph, writeVisionGraph } from "../../src/convert/onnx/write.ts";
import { writeGpuGraphs } from "../../src/convert/vision.ts";
import type { VisionGeometry } from "../../src/vision/encoder.ts";
import { PARITY_FIXTURES, writeParityCheckpoint } from "../synthetic/parity.ts";

const caseSchema = v.object({ name: v.string(), pixels: v.string(), feature_rows: v.array(v.number()) });
const goldenSchema = v.object({ cases: v.array(caseSchema) });
const headerSchema = v.record(
  v.string(),
  v.object({ data_offsets: v.optional(v.tuple([v.number(), v.number()])) }),
);

/** One picture of a golden, and what the published implementation computed for it. */
export interface ParityCase {
  readonly name: string;
  /** uint8 [crops, S, S, 3] */
  readonly pixels: Uint8Array;
  readonly crops: number;
  /** rows of the features that the golden holds */
  readonly featureRows: readonly number[];
  /** `features.rows`, `visual_tokens`, `query_in`, … */
  readonly expected: (array: string) => Float32Array;
}

/** The graphs of a parity checkpoint in a temporary folder. */
export interface ParityModel {
  readonly directory: string;
  /** the checkpoint's own folder */
  readonly source: string;
  readonly geometry: VisionGeometry & { readonly queries: number };
  readonly cases: readonly ParityCase[];
  remove(): Promise<void>;
}

export async function convertParity(golden: "base" | "hd"): Promise<ParityModel> {
  const directory = await mkdtemp(join(tmpdir(), "flashsloth-parity-"));
  const source = join(directory, "checkpoint");
  await writeParityCheckpoint({ golden, directory: source });
  const checkpoint = await openCheckpoint({ directory: source });
  try {
    const { config } = checkpoint;
    const vision = visionGraph({ checkpoint });
    const embq = embqGraph(checkpoint);
    const { data: visionData } = await writeVisionGraph({ checkpoint, directory });
    const { data: embqData } = await writeEmbqGraph({ checkpoint, directory });
    const [sapLook, embqLook] = [sapLookGraph(vision, config), embqLookGraph(embq, config)];
    await writeGraphPart({
      part: sapLook,
      whole: vision,
      directory,
      data: visionData,
      file: "sap.look.onnx",
    });
    await writeGpuGraphs({ checkpoint, vision, directory });
    await writeGraphPart({ part: embqLook, whole: embq, directory, data: embqData, file: "embq.look.onnx" });
  } finally {
    await checkpoint.close();
  }
  return {
    directory,
    source,
    geometry: geometryOf(checkpoint.config),
    cases: await readCases(golden, checkpoint.config.vision.imageSize),
    remove: () => rm(directory, { recursive: true }),
  };
}

function geometryOf({ vision, sap, text, embq }: CheckpointConfig): ParityModel["geometry"] {
  return {
    imageSize: vision.imageSize,
    featuresPerCrop: vision.grid ** 2,
    featureWidth: vision.hiddenSize,
    tokensPerCrop: (vision.grid / sap.window) ** 2,
    hiddenSize: text.hiddenSize,
    queries: embq.queries,
  };
}

async function readCases(golden: string, side: number): Promise<ParityCase[]> {
  const text = await readFile(join(PARITY_FIXTURES, `${golden}.json`), "utf8");
  const arrays = await readArrays(join(PARITY_FIXTURES, `${golden}.safetensors`));
  const { cases } = v.parse(goldenSchema, JSON.parse(text));
  return await Promise.all(
    cases.map(async ({ name, pixels: file, feature_rows: featureRows }) => {
      const pixels = await sharp(join(PARITY_FIXTURES, file)).raw().toBuffer();
      const expected = (array: string): Float32Array => {
        const values = arrays.get(`${name}.${array}`);
        if (values === undefined) throw new Error(`the golden has no ${name}.${array}`);
        return values;
      };
      return { name, pixels, crops: pixels.length / (side * side * 3), featureRows, expected };
    }),
  );
}

/** The float32 arrays of a golden's safetensors file. */
async function readArrays(path: string): Promise<Map<string, Float32Array>> {
  const file = await readFile(path);
  const start = 8 + Number(file.readBigUInt64LE(0));
  const header = v.parse(headerSchema, JSON.parse(file.toString("utf8", 8, start)));
  const arrays = new Map<string, Float32Array>();
  for (const [name, { data_offsets: offsets }] of Object.entries(header)) {
    if (offsets === undefined) continue;
    const bytes = Uint8Array.from(file.subarray(start + offsets[0], start + offsets[1]));
    arrays.set(name, new Float32Array(bytes.buffer));
  }
  return arrays;
}
