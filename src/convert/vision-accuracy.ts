import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Checkpoint } from "../checkpoint/types.ts";
import type { VisionAccuracy } from "../core/manifest.ts";
import type { VisionPrecision } from "../core/variant.ts";
import type { WriteOptions } from "../formats/onnx/write.ts";
import { openSession } from "../onnxruntime/open.ts";
import { writeVisionGraph } from "./onnx/write.ts";

/** Holds the exact graph for as long as it is needed. */
const REFERENCE = "reference";
const OUTPUTS = ["features", "visual_tokens"] as const;

export interface VisionAccuracyOptions extends WriteOptions {
  readonly checkpoint: Checkpoint;
  /** the folder with the graph; the exact one is written beside it and removed again */
  readonly directory: string;
  /** name of the graph in reduced precision */
  readonly file: string;
  readonly precision: VisionPrecision;
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
  const session = await openSession({ path, device: "cpu" });
  try {
    const pixels = { type: "uint8", data: builtInPicture(side), shape: [1, side, side, 3] } as const;
    return await session.run({ pixels }, OUTPUTS);
  } finally {
    await session.dispose();
  }
}

/** Soft colours, a disc's edge and grain. @returns uint8 [side, side, 3] */
function builtInPicture(side: number): Uint8Array {
  const pixels = new Uint8ClampedArray(side * side * 3);
  let state = 1;
  for (let at = 0; at < pixels.length; at++) {
    const channel = at % 3;
    const x = (Math.floor(at / 3) % side) / side;
    const y = Math.floor(at / 3 / side) / side;
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; // Numerical Recipes' generator
    const grain = (state >>> 27) - 16;
    const disc = (x - 0.6) ** 2 + (y - 0.4) ** 2 < 0.05;
    pixels[at] =
      (disc ? 60 + 70 * channel : 200 - 90 * (channel === 1 ? x : y)) + 30 * Math.sin(25 * x * y) + grain;
  }
  return new Uint8Array(pixels.buffer);
}

/** |actual - expected| / |expected| in the L2 norm */
function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += ((actual[i] ?? 0) - (expected[i] ?? 0)) ** 2;
    norm += (expected[i] ?? 0) ** 2;
  }
  return Math.sqrt(difference / norm);
}
