import { quantType } from "../convert/quant.ts";
import { visionAccuracy, type Manifest } from "../core/manifest.ts";
import { visionPrecision, type VisionPrecision } from "../core/vision-precision.ts";

/** Which conversion of a model is wanted; what is undefined was left open. */
export interface WantedVariant {
  /** weight type of the language model */
  readonly quant?: string | undefined;
  /** of the vision encoder */
  readonly visionPrecision?: VisionPrecision | undefined;
}

export type Variant = Required<{ [Part in keyof WantedVariant]: NonNullable<WantedVariant[Part]> }>;

/** @throws `usage` for a weight type or a precision that nothing can be converted to */
export function checkVariant(wanted: WantedVariant): void {
  if (wanted.quant !== undefined) quantType(wanted.quant);
  if (wanted.visionPrecision !== undefined) visionPrecision(wanted.visionPrecision);
}

export function variantOf(manifest: Pick<Manifest, "quant" | "vision">): Variant {
  return { quant: manifest.quant, visionPrecision: visionAccuracy(manifest).precision };
}

/** `q4_k_m`, or `q4_k_m with int8 vision`: fp32 is what everybody expects. */
export function showVariant({ quant, visionPrecision: precision }: Variant): string {
  return precision === "fp32" ? quant : `${quant} with ${precision} vision`;
}

/** What a command line says to get it, with a space before each option: ` --quant q8_0 --vision-precision int8`. */
export function variantFlags({ quant, visionPrecision: precision }: WantedVariant): string {
  return (
    (quant === undefined ? "" : ` --quant ${quant}`) +
    (precision === undefined ? "" : ` --vision-precision ${precision}`)
  );
}

/**
 * What the vision precision adds to the name of a model's folder: nothing for fp32, `+int8`. No name of the hub holds a `+`,
 * so that no repository's folder can be mistaken for another one's variant.
 */
export function precisionSuffix(precision: VisionPrecision): string {
  return precision === "fp32" ? "" : `+${precision}`;
}
