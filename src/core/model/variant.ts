import { FlashSlothError } from "../errors.ts";

/** Weight types of the language model, from exact to less and less exact, and so from large to small. */
export const QUANTS = ["f16", "q8_0", "q5_k_m", "q4_k_m", "q4_k_s", "iq4_nl", "q4_0"] as const;
export type Quant = (typeof QUANTS)[number];
/** What a model of the hub is converted to unless the user says otherwise. */
export const DEFAULT_QUANT: Quant = "q4_k_m";
/** What a checkpoint on this disk is converted to: nothing is lost. */
export const EXACT_QUANT: Quant = "f16";

/** How a matrix is stored: exact, or smaller and less exact. */
export type MatrixPrecision = "fp32" | "fp16" | "int8";
/** How the vision encoder's matrices are stored, from large to small; `mixed`: as int8 as far as a bound on the error allows. */
export const VISION_PRECISIONS = ["fp32", "fp16", "mixed", "int8"] as const;
export type VisionPrecision = (typeof VISION_PRECISIONS)[number];
/** The exact one: what is less exact is never taken unless it is asked for. */
export const EXACT_PRECISION: "fp32" & VisionPrecision = "fp32";

/** Whether an encoder has int8 matrices: their operators are onnxruntime's own, and only its CPU has them. */
export function hasInt8(precision: VisionPrecision): precision is "mixed" | "int8" {
  return precision === "int8" || precision === "mixed";
}

/** What `mixed` keeps to unless it is told otherwise: about what all matrices as int8 make of a model without outlier channels. */
export const DEFAULT_VISION_BUDGET = 3e-2;
/** Below the smallest nothing could be rounded to 8 bits; above the largest nothing would be kept. */
export const VISION_BUDGETS: { readonly least: number; readonly most: number } = { least: 1e-3, most: 0.5 };

/** Which conversion of a model is wanted, when it must be fetched or converted first; what is undefined was left open. */
export interface WantedVariant {
  /**
   * Weight type of the language model: `q4_k_m`, `q5_k_m`, `q8_0`, `f16`; `q4_k_s` and `q4_0` are faster and less exact, `iq4_nl`
   * stands between those two.
   * @default "q4_k_m" for the hub's models, "f16" for the demo and for a checkpoint's folder
   */
  readonly quant?: string | undefined;
  /**
   * How the vision encoder's matrices are stored: exact, or smaller and less exact; by how much less is measured and in the
   * model's manifest. Less than fp32 is never taken unless it is asked for.
   * @default "fp32"
   */
  readonly visionPrecision?: VisionPrecision | undefined;
  /**
   * For `mixed`: the largest error of the vision encoder's features and visual tokens against fp32's, |x - fp32's x| / |fp32's x|,
   * on the pictures that it is calibrated with.
   * @default 0.03
   */
  readonly visionBudget?: number | undefined;
  /**
   * For `mixed`: a folder with pictures of the kind that will be asked about, which the encoder is calibrated with where it is
   * made now; it says nothing about one that is there.
   * @default pictures made by arithmetic
   */
  readonly calibrate?: string | undefined;
}

export interface Variant {
  readonly quant: string;
  readonly visionPrecision: VisionPrecision;
  /** of a mixed one, where it is not the default */
  readonly visionBudget?: number | undefined;
}

/** @throws `usage` for anything else */
export function parseQuant(text: string): Quant {
  return oneOf(QUANTS, text, { what: "the language model", members: "weight types" });
}

/** @throws `usage` for anything else */
export function parseVisionPrecision(text: string): VisionPrecision {
  return oneOf(VISION_PRECISIONS, text, { what: "the vision encoder", members: "precisions" });
}

function oneOf<Name extends string>(
  known: readonly Name[],
  text: string,
  { what, members }: { readonly what: string; readonly members: string },
): Name {
  const found = known.find((name) => name === text);
  if (found !== undefined) return found;
  throw new FlashSlothError("usage", `${what} cannot be converted to ${text}`, {
    hint: `known ${members} are ${known.join(", ")}`,
  });
}

/** @throws `usage` for a bound that is out of range, or for a precision that has none */
export function parseVisionBudget(
  budget: number | undefined,
  precision: VisionPrecision | undefined,
): number {
  if (budget === undefined) return DEFAULT_VISION_BUDGET;
  const { least, most } = VISION_BUDGETS;
  if (precision !== "mixed") {
    throw new FlashSlothError("usage", "only mixed vision keeps to a bound on its error", {
      hint: `add --vision-precision mixed --vision-budget ${budget}`,
    });
  }
  if (budget >= least && budget <= most) return budget;
  throw new FlashSlothError("usage", `${budget} is no bound that mixed vision can keep to`, {
    hint: `take a number from ${least} to ${most}; --vision-precision fp32 is exact`,
  });
}

/** @throws `usage` for a weight type, a precision or a bound that nothing can be converted to */
export function checkVariant({ quant, visionPrecision, visionBudget }: WantedVariant): void {
  if (quant !== undefined) parseQuant(quant);
  if (visionPrecision !== undefined) parseVisionPrecision(visionPrecision);
  parseVisionBudget(visionBudget, visionPrecision);
}

/** The bound where it has to be named: undefined for the default one. */
export function namedBudget(budget: number | undefined): number | undefined {
  return budget === DEFAULT_VISION_BUDGET ? undefined : budget;
}

/** `q4_k_m with int8 vision` */
export function showVariant({ quant, visionPrecision, visionBudget }: Variant): string {
  const budget = namedBudget(visionBudget);
  return `${quant} with ${visionPrecision} vision${budget === undefined ? "" : ` within ${budget}`}`;
}

/**
 * What a command line says to get it, with a space before each option: ` --quant q8_0 --vision-precision int8`. Nothing for
 * fp32, which every command takes by itself.
 */
export function variantFlags(variant: WantedVariant): string {
  const { quant, visionPrecision = EXACT_PRECISION } = variant;
  const budget = namedBudget(variant.visionBudget);
  return (
    (quant === undefined ? "" : ` --quant ${quant}`) +
    (visionPrecision === EXACT_PRECISION ? "" : ` --vision-precision ${visionPrecision}`) +
    (budget === undefined ? "" : ` --vision-budget ${budget}`)
  );
}
