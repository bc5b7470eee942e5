import { VISION_PRECISIONS } from "../core/vision-precision.ts";
import { DEFAULT_QUANT, folderName, QUANTS, type HubModel } from "./catalogue.ts";
import { precisionSuffix, type Variant, type WantedVariant } from "./variant.ts";

/** A model's folder: its name alone for the variant that it has by default; `flashsloth-3.2b.q8_0+int8`. */
export function hubFolder(model: HubModel, { quant, visionPrecision }: Variant): string {
  const weights = quant === DEFAULT_QUANT ? "" : `.${quant}`;
  return `${model.folder}${weights}${precisionSuffix(visionPrecision)}`;
}

/**
 * The variants that serve a run, the best first. A weight type that was not asked for may be any, the default one first;
 * a precision that was not asked for is fp32: what is less exact is never taken silently.
 */
export function servingVariants({ quant, visionPrecision = "fp32" }: WantedVariant): Variant[] {
  const quants = quant === undefined ? QUANTS : [quant];
  return quants.map((each) => ({ quant: each, visionPrecision }));
}

/** The folders of every variant of a model. */
export function hubFolders(model: HubModel): string[] {
  return VISION_PRECISIONS.flatMap((visionPrecision) =>
    servingVariants({ visionPrecision }).map((variant) => hubFolder(model, variant)),
  );
}

/** Every name of the same repository shares its download, so they share a lock. */
export function repoKey(repo: string): string {
  return `hub-${folderName(repo)}`;
}
