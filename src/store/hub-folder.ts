import {
  DEFAULT_QUANT,
  EXACT_PRECISION,
  namedBudget,
  QUANTS,
  VISION_PRECISIONS,
  type Variant,
  type WantedVariant,
} from "../core/model/variant.ts";
import { folderName, type HubModel } from "./catalogue.ts";

/** A model's folder: its name alone for the variant that it has by default; `flashsloth-3.2b.q8_0+int8`. */
export function hubFolder(model: HubModel, { quant, ...vision }: Variant): string {
  const named = quant === DEFAULT_QUANT ? undefined : quant;
  return `${model.folder}${variantSuffix({ quant: named, ...vision })}`;
}

/**
 * What tells a model's variants apart in the names of their folders: `.q8_0+int8`, `+mixed0.01`, nothing for what is left open and
 * for fp32. No name of the hub holds a `+`, so that no repository's folder can be mistaken for another one's variant.
 */
export function variantSuffix(variant: WantedVariant): string {
  const { quant, visionPrecision = EXACT_PRECISION } = variant;
  const budget = namedBudget(variant.visionBudget) ?? "";
  return (
    (quant === undefined ? "" : `.${quant}`) +
    (visionPrecision === EXACT_PRECISION ? "" : `+${visionPrecision}${budget}`)
  );
}

/**
 * The variants that serve a run, the best first. A weight type that was not asked for may be the default one or, from small to large,
 * one that is more exact; a precision that was not asked for is fp32: what is less exact is never taken silently.
 */
export function servingVariants(wanted: WantedVariant): Variant[] {
  const { quant, visionPrecision = EXACT_PRECISION, visionBudget } = wanted;
  const quants =
    quant === undefined ? QUANTS.slice(0, QUANTS.indexOf(DEFAULT_QUANT) + 1).toReversed() : [quant];
  return quants.map((each) => ({ quant: each, visionPrecision, visionBudget }));
}

/** Whether a folder is that of some variant of a model, with whatever bound. */
export function isHubFolder(model: HubModel, folder: string): boolean {
  const known = VISION_PRECISIONS.flatMap((visionPrecision) =>
    QUANTS.map((quant) => hubFolder(model, { quant, visionPrecision })),
  );
  return known.includes(folder.replace(/(?<=\+mixed)[\d.e-]+$/, ""));
}

/** Every name of the same repository shares its download, so they share a lock. */
export function repoKey(repo: string): string {
  return `hub-${folderName(repo)}`;
}
