import { readdir, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { diskError } from "../core/files/bytes.ts";
import { FlashSlothError, systemCode } from "../core/errors.ts";
import { CARD_FILE, MANIFEST_FILE, readManifest } from "../core/model/manifest.ts";

/** Refuses folders of which one contains the other: replacing or cleaning one would take the other along. */
export async function checkApart(checkpoint: string, out: string): Promise<void> {
  const [from, to] = [await existingPath(checkpoint), await existingPath(out)];
  if (contains(from, to) || contains(to, from)) {
    throw new FlashSlothError(
      "usage",
      `${out} and the checkpoint ${checkpoint} must not lie inside each other`,
      {
        hint: "choose an output folder beside the checkpoint",
      },
    );
  }
}

export function contains(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/** The path with every link resolved, as far as it exists. */
async function existingPath(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return await realpath(absolute);
  } catch (error) {
    const parent = dirname(absolute);
    if (systemCode(error) !== "ENOENT" || parent === absolute) return absolute;
    return join(await existingPath(parent), basename(absolute));
  }
}

/** Whether `out` holds a model that is to be replaced. Never lets anything else be overwritten. */
export async function checkTarget(out: string, overwrite: boolean): Promise<boolean> {
  let entries: string[];
  try {
    entries = await readdir(out);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    if (systemCode(error) === "ENOTDIR") throw new FlashSlothError("usage", `${out} is not a folder`);
    throw diskError(out, error);
  }
  if (entries.length === 0) return false;
  const elsewhere = "choose a folder that does not exist yet";
  if (!entries.includes(MANIFEST_FILE)) {
    throw new FlashSlothError("usage", `${out} exists and holds no converted model`, { hint: elsewhere });
  }
  if (!overwrite) {
    throw new FlashSlothError("usage", `${out} already holds a converted model`, { hint: elsewhere });
  }
  const manifest = await readManifest(out);
  const own = new Set([MANIFEST_FILE, CARD_FILE, ...manifest.files.map(({ name }) => name)]);
  const foreign = entries.find((entry) => !own.has(entry));
  if (foreign !== undefined) {
    throw new FlashSlothError("usage", `${out} holds ${foreign}, which is no part of the model`, {
      hint: "move that file away first",
    });
  }
  return true;
}
