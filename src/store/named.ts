import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { MANIFEST_FILE } from "../core/model/manifest.ts";
import { parseModelName } from "./catalogue.ts";
import type { StorePaths } from "./home.ts";
import { namesIn } from "./installed.ts";

/** A folder of the store with some manifest: enough to say whose it is, not that it is whole. */
export interface NamedFolder {
  readonly folder: string;
  readonly directory: string;
  readonly name: string;
}

/** The name in a manifest that may be damaged otherwise. */
async function nameIn(directory: string): Promise<string | undefined> {
  try {
    const json: unknown = JSON.parse(await readFile(join(directory, MANIFEST_FILE), "utf8"));
    if (typeof json !== "object" || json === null || !("name" in json)) return undefined;
    return typeof json.name === "string" ? json.name : undefined;
  } catch {
    return undefined;
  }
}

/** Every folder of the store with a manifest, damaged models included: those are the ones to find and remove. */
export async function namedFolders(paths: StorePaths): Promise<NamedFolder[]> {
  const found: NamedFolder[] = [];
  for (const folder of await namesIn(paths.models)) {
    if (folder.startsWith(".")) continue;
    const directory = join(paths.models, folder);
    const name = await nameIn(directory);
    if (name !== undefined) found.push({ folder, directory, name });
  }
  return found;
}

/** The folders of one model, in whatever variant. `text` may be spelt as `-m` allows. */
export async function modelsNamed(text: string, paths: StorePaths): Promise<NamedFolder[]> {
  const name = parseModelName(text)?.name ?? text;
  return (await namedFolders(paths)).filter((found) => found.name === name);
}
