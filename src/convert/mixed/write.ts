import { join } from "node:path";
import type { MixedVision } from "../../core/manifest.ts";
import { openSession } from "../../onnxruntime/open.ts";
import type { Int8Plan } from "../onnx/layers.ts";
import { type ConvertGraphOptions, writeVisionGraph } from "../onnx/write.ts";
import { throwIfAborted, type OnWritten } from "../progress.ts";
import { relativeError } from "../relative-error.ts";
import { type Calibration, calibrate } from "./calibrate.ts";
import { chooseInt8, expectedError } from "./choose.ts";
import { calibrationPictures } from "./pictures.ts";

/** Pictures on which the matrices are rounded one by one; all of them judge the result. */
const MEASURED_ON = 2;
/** Of the bound on the error: pictures that nobody has seen differ a little. */
const HEADROOM = 0.9;
/** The estimate of what a choice makes is corrected by what it made; one correction is nearly always enough. */
const MOST_ATTEMPTS = 4;
/** Of what the correction would allow. */
const CLOSE = 0.97;

export interface WriteMixedOptions extends ConvertGraphOptions {
  readonly file: string;
  /** The largest relative error of features and of visual tokens that is accepted on any picture. */
  readonly budget: number;
  /** A folder with pictures. @default made ones */
  readonly calibrate?: string | undefined;
  readonly onCalibrate?: OnWritten | undefined;
}

export interface MixedGraph {
  /** what the graph was written with */
  readonly plan: Int8Plan;
  /** the largest error on any picture */
  readonly featureError: number;
  readonly tokenError: number;
  readonly mixed: MixedVision;
}

/**
 * Writes the vision graph with as many int8 matrices as keep it within a bound of the exact one, judged by running what was
 * written.
 * @throws `checkpoint-invalid`, `disk`, `interrupted`, `usage` when there are no pictures
 */
export async function writeMixedGraph(options: WriteMixedOptions): Promise<MixedGraph> {
  const { checkpoint, directory, budget, onCalibrate, signal } = options;
  const { vision, hd } = checkpoint.config;
  const { crops, kind } = await calibrationPictures({
    directory: options.calibrate,
    imageSize: vision.imageSize,
    crops: hd ? "tiles" : "squash",
  });
  const calibration = await calibrate({
    checkpoint,
    scratch: join(directory, "calibration"),
    crops,
    measured: Math.min(MEASURED_ON, crops.length),
    onProgress: onCalibrate,
    signal,
  });
  const { matrices } = calibration;
  const target = HEADROOM * budget;
  let chosen = chooseInt8(matrices, target);
  for (let attempt = 1; ; attempt++) {
    const int8 = matrices.filter(({ name }) => chosen.has(name));
    const plan: Int8Plan = new Map(int8.map(({ name, apart }) => [name, apart]));
    await writeVisionGraph({ ...options, weights: plan });
    const error = await measure(options, crops, calibration);
    const worst = Math.max(error.featureError, error.tokenError);
    // how far off the estimate was: what it would have to be told to end just within the target
    const told = (CLOSE * expectedError(matrices, chosen) * target) / worst;
    const within = worst <= target;
    const next = attempt < MOST_ATTEMPTS ? chooseInt8(matrices, told) : new Set<string>();
    // one that came out better than it was thought to may give away more, once
    if (chosen.size === 0 || (within && (attempt > 1 || next.size <= chosen.size))) {
      const exact = matrices.flatMap(({ name }) => (chosen.has(name) ? [] : [name]));
      const apartInputs = int8.reduce((sum, { apart }) => sum + apart.length, 0);
      const mixed = {
        budget,
        pictures: crops.length,
        calibration: kind,
        int8: int8.length,
        exact,
        apartInputs,
      };
      return { plan, ...error, mixed };
    }
    chosen = next;
  }
}

/** The written graph against the exact features and tokens. */
async function measure(
  { directory, file, checkpoint, signal }: WriteMixedOptions,
  crops: readonly Uint8Array[],
  { exact }: Calibration,
): Promise<{ featureError: number; tokenError: number }> {
  const { imageSize: side } = checkpoint.config.vision;
  const session = await openSession({ path: join(directory, file), device: "cpu" });
  let featureError = 0;
  let tokenError = 0;
  try {
    for (const [at, data] of crops.entries()) {
      throwIfAborted(signal);
      const pixels = { type: "uint8", data, shape: [1, side, side, 3] } as const;
      const [features = [], tokens = []] = await session.run({ pixels }, ["features", "visual_tokens"]);
      featureError = Math.max(featureError, relativeError(features, exact[at]?.features ?? []));
      tokenError = Math.max(tokenError, relativeError(tokens, exact[at]?.tokens ?? []));
    }
  } finally {
    await session.dispose();
  }
  return { featureError, tokenError };
}
