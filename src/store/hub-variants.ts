import { variantOf, type Manifest } from "../core/model/manifest.ts";
import type { Variant, WantedVariant } from "../core/model/variant.ts";
import { folderName, type HubModel } from "./catalogue.ts";
import { servesWanted } from "./converted.ts";
import type { StorePaths } from "./home.ts";
import { installedModels, namesIn } from "./installed.ts";

/** What is complete in the store under the name of a model of the hub. */
async function installed(paths: StorePaths, model: HubModel): Promise<Manifest[]> {
  const all = (await installedModels(paths.models)).map(({ manifest }) => manifest);
  return all.filter(({ name }) => name === model.name);
}

export async function installedVariants(paths: StorePaths, model: HubModel): Promise<Variant[]> {
  return (await installed(paths, model)).map(variantOf);
}

/** The folder of a model that was converted elsewhere and is what is wanted, whatever variant that is. */
export async function installedConverted(
  paths: StorePaths,
  model: HubModel,
  wanted: WantedVariant,
): Promise<string | undefined> {
  const models = await installedModels(paths.models);
  return models.find(
    ({ manifest }) =>
      manifest.name === model.name && manifest.fetchedFrom !== undefined && servesWanted(manifest, wanted),
  )?.directory;
}

/** Folder of a checkpoint, while it arrives and where it is kept. */
export function checkpointFolder(repo: string, commit: string): string {
  return `${folderName(repo)}@${commit}`;
}

/** The commit of a kept checkpoint that a variant in the store was made from, so that another one can be without asking the hub. */
export async function keptCommit(paths: StorePaths, model: HubModel): Promise<string | undefined> {
  const kept = await namesIn(paths.checkpoints);
  const commits = (await installed(paths, model)).flatMap(({ source }) => source.revision ?? []);
  return commits.find((commit) => kept.includes(checkpointFolder(model.repo, commit)));
}
