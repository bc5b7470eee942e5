import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { variantOf, type Manifest } from "../core/model/manifest.ts";
import { DEFAULT_QUANT, EXACT_PRECISION, type Variant, type WantedVariant } from "../core/model/variant.ts";
import type { StorePaths } from "./home.ts";
import { buildHubModel, discardDownloads, type InstallHubOptions, type InstallReport } from "./hub-build.ts";
import { hubSettings } from "./hub/settings.ts";
import { hubFolder, repoKey } from "./hub-folder.ts";
import { checkpointFolder, installedConverted } from "./hub-variants.ts";
import { installModel } from "./install.ts";
import { namesIn } from "./installed.ts";

export type { InstallHubOptions, InstallReport } from "./hub-build.ts";

export interface InstalledFromHub {
  readonly directory: string;
  /** undefined when the model was there already, or another process made it */
  readonly report: InstallReport | undefined;
}

/** What is made where nothing else is asked for. */
function variantToMake(wanted: WantedVariant): Variant {
  const { quant = DEFAULT_QUANT, visionPrecision = EXACT_PRECISION, visionBudget } = wanted;
  return { quant, visionPrecision, visionBudget };
}

/**
 * The folder of a model of the hub: as it is in the store, or fetched, and converted unless it came so.
 * @throws `model-missing`, `network`, `access`, `disk`, `checkpoint-invalid`, `model-invalid`, `usage` for a variant that cannot be had,
 * or the signal's reason
 */
export async function installHubModel(options: InstallHubOptions): Promise<InstalledFromHub> {
  const { paths, model, keepCheckpoint = false, onProgress, signal } = options;
  const variant = variantToMake(options);
  const settings = await hubSettings(options.env);
  let report: InstallReport | undefined;
  const directory = await installModel({
    paths,
    folder: hubFolder(model, variant),
    lockKey: repoKey(model.repo),
    name: model.name,
    progressKey: variant.quant,
    find: async () => installedConverted(paths, model, options),
    // a converted model is the variant that it is, whatever is made of checkpoints
    folderOf: (manifest) => hubFolder(model, variantOf(manifest)),
    build: async (out) => {
      report = await buildHubModel(options, variant, settings, out);
    },
    beforePublish: async (manifest) => {
      if (keepCheckpoint) await keepDownload(paths, model.repo, manifest);
      await discardDownloads(paths, model.repo);
    },
    onProgress,
    signal,
  });
  return { directory, report };
}

async function keepDownload(paths: StorePaths, repo: string, manifest: Manifest): Promise<void> {
  const name = checkpointFolder(repo, manifest.source.revision ?? "");
  if (!(await namesIn(paths.downloads)).includes(name)) return;
  await mkdir(paths.checkpoints, { recursive: true });
  await rm(join(paths.checkpoints, name), { recursive: true, force: true });
  await rename(join(paths.downloads, name), join(paths.checkpoints, name));
}
