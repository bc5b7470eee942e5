import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Checkpoint } from "../checkpoint/types.ts";
import type { VisionAccuracy } from "../core/model/vision-accuracy.ts";
import type { MatrixPrecision } from "../core/model/variant.ts";
import type { WriteOptions } from "../formats/onnx/write.ts";
import { openSession } from "../onnxruntime/open.ts";
import { madePicture } from "../image/made-pictures.ts";
import { writeVisionGraph } from "./onnx/write.ts";
import { relativeError } from "./relative-error.ts";

/** Holds the exact graph for as long as it is needed. */
const REFERENCE = "reference";
const OUTPUTS = ["features", "visual_tokens"] as const;

export interface VisionAccuracyOptions extends WriteOptions {
  readonly checkpoint: Checkpoint;
  /** the folder with the graph; the exact one is written beside it and removed again */
  readonly directory: string;
  /** name of the graph in reduced precision */
  readonly file: string;
  readonly precision: MatrixPrecision;
}

/**
 * Runs a vision graph and the exact one on a built-in picture, on the CPU, one after the other.
 * @throws `disk`, `interrupted`, and as `openSession` does
 */
export async function measureVisionAccuracy(options: VisionAccuracyOptions): Promise<VisionAccuracy> {
  const { checkpoint, directory, file, precision, ...rest } = options;
  const side = checkpoint.config.vision.imageSize;
  const reference = join(directory, REFERENCE);
  await rm(reference, { recursive: true, force: true });
  await mkdir(reference);
  try {
    const { graph } = await writeVisionGraph({ ...rest, checkpoint, directory: reference });
    const exact = await encode(join(reference, graph), side);
    const reduced = await encode(join(directory, file), side);
    const [featureError = Infinity, tokenError = Infinity] = OUTPUTS.map((_, at) =>
      relativeError(reduced[at] ?? [], exact[at] ?? []),
    );
    return { precision, featureError, tokenError };
  } finally {
    await rm(reference, { recursive: true, force: true });
  }
}

async function encode(path: string, side: number): Promise<Float32Array[]> {
  const session = await openSession({ path });
  try {
    const pixels = { type: "uint8", data: madePicture(0, side), shape: [1, side, side, 3] } as const;
    return await session.run({ pixels }, OUTPUTS);
  } finally {
    await session.dispose();
  }
}
