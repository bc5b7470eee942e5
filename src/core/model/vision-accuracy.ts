import * as v from "valibot";
import { count, index, relativeError } from "../numbers.ts";
import { EXACT_PRECISION, VISION_PRECISIONS, type VisionPrecision } from "./variant.ts";

/** What was chosen for a mixed encoder. */
export interface MixedVision {
  /** the largest error that was allowed, of features and of visual tokens */
  readonly budget: number;
  /** pictures that it was judged on: made by arithmetic, or the user's */
  readonly pictures: number;
  readonly calibration: "made" | "given";
  /** matrices that are int8 */
  readonly int8: number;
  /** the tensors' names of those that are float32 */
  readonly exact: readonly string[];
  /** inputs of int8 matrices that stick out and are multiplied in float32, of all matrices together */
  readonly apartInputs: number;
}

/**
 * What a reduced precision costs: |x - fp32's x| / |fp32's x| in the L2 norm, on a built-in picture; of a mixed encoder, on
 * whichever of its pictures it is largest.
 */
export interface VisionAccuracy {
  readonly precision: VisionPrecision;
  /** of the raw features */
  readonly featureError: number;
  /** of the visual tokens */
  readonly tokenError: number;
  /** only of a mixed one */
  readonly mixed?: MixedVision | undefined;
}

/** What the manifest holds about a reduced precision. */
export const visionAccuracySchema: v.GenericSchema<unknown, VisionAccuracy> = v.object({
  precision: v.picklist(VISION_PRECISIONS),
  featureError: relativeError,
  tokenError: relativeError,
  mixed: v.optional(
    v.object({
      budget: relativeError,
      pictures: count,
      calibration: v.picklist(["made", "given"]),
      int8: index,
      exact: v.array(v.string()),
      apartInputs: index,
    }),
  ),
});

/** What the precision of a model's vision encoder costs: nothing where the manifest is silent. */
export function visionAccuracy({ vision }: { readonly vision?: VisionAccuracy | undefined }): VisionAccuracy {
  return vision ?? { precision: EXACT_PRECISION, featureError: 0, tokenError: 0 };
}
