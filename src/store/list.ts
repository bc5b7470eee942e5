import { visionAccuracy, type VisionAccuracy } from "../core/model/vision-accuracy.ts";
import { storePaths, type StorePaths } from "./home.ts";
import { installedModels } from "./installed.ts";

export interface ListedModel {
  /** what `-m` takes */
  readonly name: string;
  readonly directory: string;
  readonly repo: string;
  /** commit of the hub's repository; null for a folder */
  readonly revision: string | null;
  readonly quant: string;
  /** the vision encoder's precision, and its error against fp32 */
  readonly vision: VisionAccuracy;
  /** bytes of its files */
  readonly size: number;
}

/** The complete models of the store, by name, then weight type, then vision precision. */
export async function listModels(paths: StorePaths = storePaths()): Promise<ListedModel[]> {
  const found = await installedModels(paths.models);
  return found
    .map(({ directory, manifest }) => ({
      name: manifest.name,
      directory,
      repo: manifest.source.repo,
      revision: manifest.source.revision,
      quant: manifest.quant,
      vision: visionAccuracy(manifest),
      size: manifest.files.reduce((sum, file) => sum + file.size, 0),
    }))
    .sort(
      (a, b) =>
        a.name.localeCompare(b.name) ||
        a.quant.localeCompare(b.quant) ||
        a.vision.precision.localeCompare(b.vision.precision),
    );
}
