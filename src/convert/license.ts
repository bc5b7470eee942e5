import type { FolderFiles } from "../core/files/folder-files.ts";
import { readTextIfThere } from "../checkpoint/read-text.ts";
import { CARD_FILE } from "../core/model/manifest.ts";

/** Of the published weights, and of the demo's. */
export const PUBLISHED_LICENSE = "apache-2.0";

/** Model cards that are longer are not looked into. */
const MAX_CARD_BYTES = 1024 * 1024;

/** The identifiers that the hub knows for licences of weights such as these (https://huggingface.co/docs/hub/repositories-licenses). */
const HUB_LICENSES: ReadonlySet<string> = new Set([
  "apache-2.0",
  "mit",
  "openrail",
  "bigscience-openrail-m",
  "bsd-2-clause",
  "bsd-3-clause",
  "cc0-1.0",
  "cc-by-4.0",
  "cc-by-sa-4.0",
  "cc-by-nc-4.0",
  "cc-by-nc-nd-4.0",
  "cc-by-nc-sa-4.0",
  "gpl-3.0",
  "lgpl-3.0",
  "agpl-3.0",
  "mpl-2.0",
  "llama2",
  "llama3",
  "gemma",
  "unlicense",
  "unknown",
]);

export function isHubLicense(license: string): boolean {
  return HUB_LICENSES.has(license);
}

/** The licence that a checkpoint's model card states in its metadata; undefined where there is none. */
export async function statedLicense(files: FolderFiles): Promise<string | undefined> {
  const card = await readTextIfThere(files, CARD_FILE, MAX_CARD_BYTES).catch(() => undefined);
  const metadata = /^---\r?\n(?<lines>[^]*?)\r?\n---(?:\r?\n|$)/.exec(card ?? "")?.groups?.["lines"];
  const stated = /^license:[ \t]*["']?([A-Za-z0-9][A-Za-z0-9.+-]{0,63})["']?[ \t]*(?:#.*)?$/m.exec(
    metadata ?? "",
  )?.[1];
  return stated?.toLowerCase();
}
