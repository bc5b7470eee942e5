import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import type { Checkpoint } from "../checkpoint/types.ts";
import type { Arithmetic } from "../core/model/device.ts";
import { onDisk } from "../core/files/disk.ts";
import { type VisionAccuracy, visionAccuracySchema } from "../core/model/vision-accuracy.ts";
import { EXACT_PRECISION, hasInt8, type VisionPrecision } from "../core/model/variant.ts";
import type { Manifest } from "../core/model/manifest.ts";
import type { Graph } from "../formats/onnx/builder.ts";
import { FILES } from "./files.ts";
import { writeMixedGraph } from "./mixed/write.ts";
import type { MatrixWeights } from "./onnx/layers.ts";
import { sapLookGraph } from "./onnx/look.ts";
import { writeGraphPart } from "./onnx/part.ts";
import { writeUncompressedGraph } from "./onnx/uncompressed.ts";
import { visionGraph, writeVisionGraph } from "./onnx/write.ts";
import type { ConvertStage, OnWritten } from "./progress.ts";
import { measureVisionAccuracy } from "./vision-accuracy.ts";

/** How the encoder is to be stored. */
export interface VisionChoice {
  readonly precision: VisionPrecision;
  /** of `mixed`: the largest error that is allowed, and a folder with pictures to calibrate with; without one they are made */
  readonly budget: number;
  readonly calibrate: string | undefined;
}

export interface WriteVisionOptions extends VisionChoice {
  readonly checkpoint: Checkpoint;
  readonly directory: string;
  /** the progress of a stage */
  readonly report: (stage: ConvertStage) => OnWritten;
  readonly signal: AbortSignal | undefined;
}

/** The graphs for GPUs: any number of crops in a run, by what products are computed in. */
const GPU_GRAPHS: Readonly<Record<string, Arithmetic>> = {
  [FILES.visionBatch]: "float32",
  [FILES.visionHalf]: "float16",
};

/** What the manifest says of the vision graphs. */
export function visionRoles(
  precision: VisionPrecision,
): Pick<Manifest["roles"], "vision" | "visionBatch" | "visionHalf" | "uncompressed" | "sapLook"> {
  const { vision, visionBatch, visionHalf, uncompressed, sapLook } = FILES;
  return { vision, ...(!hasInt8(precision) && { visionBatch, visionHalf }), uncompressed, sapLook };
}

/** The files that {@link writeVision} writes. */
export function visionFiles(precision: VisionPrecision): string[] {
  const { visionData, accuracy } = FILES;
  return [
    ...Object.values(visionRoles(precision)).filter((file) => file !== undefined),
    visionData,
    ...(precision === EXACT_PRECISION ? [] : [accuracy]),
  ];
}

/**
 * Writes the vision graph, those for GPUs, the projector and the pooling's attention on their own, and, for a reduced precision, what
 * that costs.
 */
export async function writeVision(options: WriteVisionOptions): Promise<void> {
  const { checkpoint, directory } = options;
  const { weights, accuracy } = await writeEncoder(options);
  const { config } = checkpoint;
  const vision = visionGraph({ checkpoint, weights });
  const data = FILES.visionData;
  await writeUncompressedGraph({ vision, config, directory, data, file: FILES.uncompressed });
  const look = sapLookGraph(vision, config);
  await writeGraphPart({ part: look, whole: vision, directory, data, file: FILES.sapLook });
  await writeGpuGraphs({ checkpoint, vision, directory, precision: options.precision });
  if (accuracy === undefined) return;
  const path = join(directory, FILES.accuracy);
  await onDisk(path, writeFile(path, JSON.stringify(accuracy), { flush: true }));
}

export interface WriteGpuGraphsOptions {
  readonly checkpoint: Checkpoint;
  /** the vision graph, as it was written into `vision.onnx.data` in `directory` */
  readonly vision: Graph;
  readonly directory: string;
  /** Of that graph's weights; there are no others with int8 ones. @default "fp32" */
  readonly precision?: VisionPrecision | undefined;
}

/** Writes the graphs for GPUs, which have no weights of their own. */
export async function writeGpuGraphs(options: WriteGpuGraphsOptions): Promise<void> {
  const { checkpoint, vision, directory, precision = EXACT_PRECISION } = options;
  if (hasInt8(precision)) return;
  for (const [file, arithmetic] of Object.entries(GPU_GRAPHS)) {
    const part = visionGraph({ checkpoint, weights: precision, crops: "any", arithmetic });
    await writeGraphPart({ part, whole: vision, directory, data: FILES.visionData, file });
  }
}

async function writeEncoder(
  options: WriteVisionOptions,
): Promise<{ readonly weights: MatrixWeights; readonly accuracy: VisionAccuracy | undefined }> {
  const { checkpoint, directory, precision, budget, calibrate, report, signal } = options;
  const onProgress = report("vision");
  const graph = { checkpoint, directory, file: FILES.vision, signal, onProgress };
  if (precision === "mixed") {
    const onCalibrate = report("calibrate");
    const { plan, ...cost } = await writeMixedGraph({ ...graph, budget, calibrate, onCalibrate });
    return { weights: plan, accuracy: { precision, ...cost } };
  }
  await writeVisionGraph({ ...graph, weights: precision });
  const accuracy =
    precision === EXACT_PRECISION ? undefined : await measureVisionAccuracy({ ...graph, precision });
  return { weights: precision, accuracy };
}

/** What {@link writeVision} found a reduced precision to cost. */
export async function readAccuracy(directory: string): Promise<VisionAccuracy> {
  const text = await readFile(join(directory, FILES.accuracy), "utf8");
  return v.parse(visionAccuracySchema, JSON.parse(text));
}
