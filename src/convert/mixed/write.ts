import { join } from "node:path";
import type { MixedVision } from "../../core/model/vision-accuracy.ts";
import { openSession } from "../../onnxruntime/open.ts";
import type { Int8Plan } from "../onnx/layers.ts";
import { type ConvertGraphOptions, writeVisionGraph } from "../onnx/write.ts";
import { throwIfAborted, type OnWritten } from "../progress.ts";
import { relativeError } from "../relative-error.ts";
import { type Calibration, calibrate } from "./calibrate.ts";
import { calibrationPictures } from "./pictures.ts";
import { searchInt8 } from "./search.ts";

/** Pictures on which the matrices are rounded one by one; all of them judge the result. */
const MEASURED_ON = 2;
/** Of the bound on the error: pictures that nobody has seen differ a little. */
const HEADROOM = 0.9;

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
  let written: Written | undefined;
  const write = async (chosen: ReadonlySet<string>): Promise<Written> => {
    const int8 = matrices.filter(({ name }) => chosen.has(name));
    const plan: Int8Plan = new Map(int8.map(({ name, apart }) => [name, apart]));
    await writeVisionGraph({ ...options, weights: plan });
    written = { chosen, plan, ...(await measure(options, crops, calibration)) };
    return written;
  };
  const chosen = await searchInt8({
    matrices,
    target: HEADROOM * budget,
    errorOf: async (choice) => {
      const { featureError, tokenError } = await write(choice);
      return Math.max(featureError, tokenError);
    },
  });
  // the last that was tried may not be the one that was found
  const { plan, featureError, tokenError } = written?.chosen === chosen ? written : await write(chosen);
  const mixed = {
    budget,
    pictures: crops.length,
    calibration: kind,
    int8: plan.size,
    exact: matrices.flatMap(({ name }) => (chosen.has(name) ? [] : [name])),
    apartInputs: [...plan.values()].reduce((sum, apart) => sum + apart.length, 0),
  };
  return { plan, featureError, tokenError, mixed };
}

/** A choice, the graph that lies in the folder because of it, and what that costs. */
interface Written extends Pick<MixedGraph, "plan" | "featureError" | "tokenError"> {
  readonly chosen: ReadonlySet<string>;
}

/** The written graph against the exact features and tokens. */
async function measure(
  { directory, file, checkpoint, signal }: WriteMixedOptions,
  crops: readonly Uint8Array[],
  { exact }: Calibration,
): Promise<{ featureError: number; tokenError: number }> {
  const { imageSize: side } = checkpoint.config.vision;
  const session = await openSession({ path: join(directory, file) });
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
