import { DEFAULT_QUANT, folderName, type HubModel } from "./catalogue.ts";

/** A model's folder: its name alone for the weight type that it has by default. */
export function hubFolder(model: HubModel, quant: string): string {
  return quant === DEFAULT_QUANT ? model.folder : `${model.folder}.${quant}`;
}

/** Every name of the same repository shares its download, so they share a lock. */
export function repoKey(repo: string): string {
  return `hub-${folderName(repo)}`;
}
