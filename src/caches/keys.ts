import { createHash } from "node:crypto";
import type { Manifest } from "../core/model/manifest.ts";

/**
 * Stands for the weights of a model's language side.
 * @returns undefined where the manifest does not say which they are: nothing may be kept for that model
 */
export function languageKey({ files, roles }: Pick<Manifest, "files" | "roles">): string | undefined {
  return files.find(({ name }) => name === roles.language)?.sha256;
}

/**
 * Stands for the weights of a model's vision side. A graph's own file does not hold them, and which file does is written in the
 * graph: so every file counts but the language model's, which is the only one that differs between weight types.
 * @returns undefined where the manifest does not list the graph
 */
export function visionKey({ files, roles }: Pick<Manifest, "files" | "roles">): string | undefined {
  if (files.every(({ name }) => name !== roles.vision)) return undefined;
  const lines = files
    .filter(({ name }) => name !== roles.language)
    .map(({ name, sha256 }) => `${name} ${sha256}\n`);
  return createHash("sha256").update(lines.sort().join("")).digest("hex");
}
