import { quantType } from "../convert/quant.ts";
import { visionAccuracy, type Manifest } from "../core/manifest.ts";
import { parseVisionPrecision, type VisionPrecision } from "../core/vision-precision.ts";

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
  if (wanted.visionPrecision !== undefined) parseVisionPrecision(wanted.visionPrecision);
}

export function variantOf(manifest: Pick<Manifest, "quant" | "vision">): Variant {
  return { quant: manifest.quant, visionPrecision: visionAccuracy(manifest).precision };
}

/** `q4_k_m with int8 vision` */
export function showVariant({ quant, visionPrecision }: Variant): string {
  return `${quant} with ${visionPrecision} vision`;
}

/**
 * What a command line says to get it, with a space before each option: ` --quant q8_0 --vision-precision int8`. Nothing for
 * fp32, which every command takes by itself.
 */
export function variantFlags({ quant, visionPrecision = "fp32" }: WantedVariant): string {
  return (
    (quant === undefined ? "" : ` --quant ${quant}`) +
    (visionPrecision === "fp32" ? "" : ` --vision-precision ${visionPrecision}`)
  );
}

/**
 * What the vision precision adds to the name of a model's folder: nothing for fp32, `+int8`. No name of the hub holds a `+`,
 * so that no repository's folder can be mistaken for another one's variant.
 */
export function precisionSuffix(precision: VisionPrecision): string {
  return precision === "fp32" ? "" : `+${precision}`;
}
