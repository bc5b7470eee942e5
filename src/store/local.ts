import { readdir, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { CONFIG_FILE } from "../checkpoint/file-names.ts";
import { FlashSlothError, messageOf, systemCode } from "../core/errors.ts";
import { MANIFEST_FILE } from "../core/model/manifest.ts";
import { isPickle } from "../formats/safetensors/weight-files.ts";

/** What a path given as a model turned out to be. `directory` is its real path. */
export interface LocalModel {
  readonly kind: "converted" | "checkpoint";
  readonly directory: string;
  /** last part of the path, fit for a folder's name */
  readonly name: string;
}

/** Whether `text` can only have been meant as a path. */
export function looksLikePath(text: string): boolean {
  return isAbsolute(text) || /^(?:\.{1,2}|~)(?:[/\\]|$)/.test(text) || /[/\\]/.test(text);
}

/**
 * The path that a text means: `~` is the user's home, `file://` an address of this machine.
 * @throws `usage` for an address of another one
 */
export function folderPath(text: string): string {
  if (!/^file:/i.test(text)) return resolve(text.replace(/^~(?=$|[/\\])/, homedir()));
  try {
    return fileURLToPath(text);
  } catch (error) {
    throw new FlashSlothError("usage", `${text} names no folder of this machine: ${messageOf(error)}`, {
      cause: error,
      hint: "write file:///path/to/folder, or the path alone",
    });
  }
}

/**
 * The folder that `text` names, or undefined when there is nothing by that name.
 * @throws `model-invalid` when it is there and holds no model, or may not be read
 */
export async function findLocalModel(text: string): Promise<LocalModel | undefined> {
  const path = folderPath(text);
  let directory: string;
  let names: string[];
  try {
    directory = await realpath(path);
    if (!(await stat(directory)).isDirectory()) throw notAModel(path, "is a file, not a folder");
    names = await readdir(directory);
  } catch (error) {
    if (error instanceof FlashSlothError) throw error;
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw notAModel(path, code === "EACCES" ? "may not be read" : "cannot be read", error);
  }
  const name =
    basename(directory)
      .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
      .replace(/^[.-]+/, "") || "model";
  if (names.includes(MANIFEST_FILE)) return { kind: "converted", directory, name };
  // a checkpoint of pickles is one too: why it cannot be converted is said by whoever reads it
  const weights = names.some((file) => /\.safetensors(?:\.index\.json)?$/.test(file) || isPickle(file));
  if (weights && names.includes(CONFIG_FILE)) return { kind: "checkpoint", directory, name };
  throw notAModel(
    path,
    weights
      ? `has weights and no ${CONFIG_FILE}`
      : `has neither a ${MANIFEST_FILE} nor ${CONFIG_FILE} and safetensors`,
  );
}

function notAModel(path: string, why: string, cause?: unknown): FlashSlothError {
  return new FlashSlothError("model-invalid", `${path} is no model: it ${why}`, {
    cause,
    hint: "name a folder that `flashsloth convert` wrote, or a FlashSloth checkpoint as the hub holds it",
  });
}
