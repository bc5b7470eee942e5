import { FlashSlothError } from "./errors.ts";

/** Weight types of the language model, from large to small. */
export const QUANTS = ["f16", "q8_0", "q5_k_m", "q4_k_m"] as const;
export type Quant = (typeof QUANTS)[number];
/** What a model of the hub is converted to unless the user says otherwise. */
export const DEFAULT_QUANT: Quant = "q4_k_m";
/** What a checkpoint on this disk is converted to: nothing is lost. */
export const EXACT_QUANT: Quant = "f16";

/** How the vision encoder's matrices are stored: exact, or smaller and less exact. */
export const VISION_PRECISIONS = ["fp32", "fp16", "int8"] as const;
export type VisionPrecision = (typeof VISION_PRECISIONS)[number];
/** The exact one: what is less exact is never taken unless it is asked for. */
export const EXACT_PRECISION: VisionPrecision = "fp32";

/** Which conversion of a model is wanted, when it must be fetched or converted first; what is undefined was left open. */
export interface WantedVariant {
  /**
   * Weight type of the language model: `q4_k_m`, `q5_k_m`, `q8_0`, `f16`.
   * @default "q4_k_m" for the hub's models, "f16" for the demo and for a checkpoint's folder
   */
  readonly quant?: string | undefined;
  /**
   * How the vision encoder's matrices are stored: exact, or smaller and less exact; by how much less is measured and in the
   * model's manifest. Less than fp32 is never taken unless it is asked for.
   * @default "fp32"
   */
  readonly visionPrecision?: VisionPrecision | undefined;
}

export type Variant = Required<{ [Part in keyof WantedVariant]: NonNullable<WantedVariant[Part]> }>;

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

/** @throws `usage` for a weight type or a precision that nothing can be converted to */
export function checkVariant({ quant, visionPrecision }: WantedVariant): void {
  if (quant !== undefined) parseQuant(quant);
  if (visionPrecision !== undefined) parseVisionPrecision(visionPrecision);
}

/** `q4_k_m with int8 vision` */
export function showVariant({ quant, visionPrecision }: Variant): string {
  return `${quant} with ${visionPrecision} vision`;
}

/**
 * What a command line says to get it, with a space before each option: ` --quant q8_0 --vision-precision int8`. Nothing for
 * fp32, which every command takes by itself.
 */
export function variantFlags({ quant, visionPrecision = EXACT_PRECISION }: WantedVariant): string {
  return (
    (quant === undefined ? "" : ` --quant ${quant}`) +
    (visionPrecision === EXACT_PRECISION ? "" : ` --vision-precision ${visionPrecision}`)
  );
}
