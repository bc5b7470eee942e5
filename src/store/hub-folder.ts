import {
  DEFAULT_QUANT,
  EXACT_PRECISION,
  QUANTS,
  VISION_PRECISIONS,
  type Variant,
  type WantedVariant,
} from "../core/variant.ts";
import { folderName, type HubModel } from "./catalogue.ts";

/** A model's folder: its name alone for the variant that it has by default; `flashsloth-3.2b.q8_0+int8`. */
export function hubFolder(model: HubModel, { quant, visionPrecision }: Variant): string {
  const named = quant === DEFAULT_QUANT ? undefined : quant;
  return `${model.folder}${variantSuffix({ quant: named, visionPrecision })}`;
}

/**
 * What tells a model's variants apart in the names of their folders: `.q8_0+int8`, nothing for what is left open and for fp32.
 * No name of the hub holds a `+`, so that no repository's folder can be mistaken for another one's variant.
 */
export function variantSuffix({ quant, visionPrecision = EXACT_PRECISION }: WantedVariant): string {
  return (
    (quant === undefined ? "" : `.${quant}`) +
    (visionPrecision === EXACT_PRECISION ? "" : `+${visionPrecision}`)
  );
}

/**
 * The variants that serve a run, the best first. A weight type that was not asked for may be any, the default one first, then
 * from small to large; a precision that was not asked for is fp32: what is less exact is never taken silently.
 */
export function servingVariants({ quant, visionPrecision = EXACT_PRECISION }: WantedVariant): Variant[] {
  const quants =
    quant === undefined
      ? [DEFAULT_QUANT, ...QUANTS.toReversed().filter((each) => each !== DEFAULT_QUANT)]
      : [quant];
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
