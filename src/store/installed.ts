import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { FlashSlothError, systemCode } from "../core/errors.ts";
import { readManifest, type Manifest } from "../core/model/manifest.ts";

/** A complete model of the store. */
export interface InstalledModel {
  /** name of its folder in the store */
  readonly folder: string;
  readonly directory: string;
  readonly manifest: Manifest;
}

/** Folders that begin so are under way, or on their way out; they are no models. */
export const PARTIAL_PREFIX = ".partial-";
export const TRASH_PREFIX = ".trash-";

/**
 * The manifest of `directory` after a look at every file it names (presence and size, not contents).
 * @throws `model-missing` without a manifest; `model-invalid` when it is damaged or a file is absent or of another size
 */
export async function readModel(directory: string): Promise<Manifest> {
  const manifest = await readManifest(directory);
  for (const file of manifest.files) {
    const path = join(directory, file.name);
    const found = await stat(path).catch((error: unknown) => {
      if (systemCode(error) === "ENOENT") return undefined;
      throw new FlashSlothError("model-invalid", `${path} cannot be read`, { cause: error });
    });
    if (found?.size !== file.size) {
      const what = found === undefined ? "is missing" : `has ${found.size} bytes instead of ${file.size}`;
      throw new FlashSlothError("model-invalid", `${path} ${what}`, {
        hint: "remove the folder and convert or pull the model again",
      });
    }
  }
  return manifest;
}

/** `readModel`, with undefined for a folder that holds no complete model of this format. */
export async function tryReadModel(directory: string): Promise<Manifest | undefined> {
  try {
    return await readModel(directory);
  } catch (error) {
    if (
      error instanceof FlashSlothError &&
      (error.code === "model-missing" || error.code === "model-invalid")
    ) {
      return undefined;
    }
    throw error;
  }
}

/** The names in a folder; none when it does not exist. */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return [];
    throw error;
  }
}

/** Every complete model under `models`, by folder name. */
export async function installedModels(models: string): Promise<InstalledModel[]> {
  const found: InstalledModel[] = [];
  for (const folder of await namesIn(models)) {
    if (folder.startsWith(".")) continue;
    const directory = join(models, folder);
    const manifest = await tryReadModel(directory);
    if (manifest !== undefined) found.push({ folder, directory, manifest });
  }
  return found;
}
