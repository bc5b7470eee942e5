import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, realpath, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { diskError } from "../core/bytes.ts";
import { FlashSlothError, systemCode } from "../core/errors.ts";
import { MANIFEST_FILE, readManifest } from "../core/manifest.ts";

export interface StagedOptions<T> {
  /** The folder that is to appear, complete or not at all. */
  readonly out: string;
  /** Replace a converted model that is already there. @default false */
  readonly overwrite?: boolean | undefined;
  /** Fills an empty folder beside `out`. */
  readonly fill: (staging: string) => Promise<T>;
}

/**
 * Runs `fill` on a folder beside `out`, `<out>.partial-<pid>-<random>`, and renames it into place when it returned.
 * When it throws, whatever it wrote is removed. Folders of earlier runs whose process is gone are removed first.
 * @throws `usage` when `out` holds anything but a model that may be replaced; `disk`
 */
export async function fillStaged<T>(options: StagedOptions<T>): Promise<T> {
  const out = resolve(options.out);
  const replaces = await checkTarget(out, options.overwrite ?? false);
  const created = await onDisk(out, mkdir(dirname(out), { recursive: true }));
  try {
    await removeAbandoned(out);
    const staging = `${out}.partial-${process.pid}-${randomBytes(3).toString("hex")}`;
    await onDisk(out, mkdir(staging));
    try {
      const result = await options.fill(staging);
      await onDisk(out, moveIntoPlace(staging, out, replaces));
      return result;
    } catch (error) {
      await rm(staging, { recursive: true, force: true });
      throw error;
    }
  } catch (error) {
    if (created !== undefined) await removeEmptyFolders(dirname(out), created);
    throw error;
  }
}

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

function contains(folder: string, path: string): boolean {
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
async function checkTarget(out: string, overwrite: boolean): Promise<boolean> {
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
  const own = new Set([MANIFEST_FILE, ...manifest.files.map(({ name }) => name)]);
  const foreign = entries.find((entry) => !own.has(entry));
  if (foreign !== undefined) {
    throw new FlashSlothError("usage", `${out} holds ${foreign}, which is no part of the model`, {
      hint: "move that file away first",
    });
  }
  return true;
}

async function moveIntoPlace(staging: string, out: string, replaces: boolean): Promise<void> {
  if (!replaces) {
    // an empty folder that is already there may stay in the way on some systems
    await rmdir(out).catch(ignoreMissing);
    await rename(staging, out);
  } else {
    const old = `${staging}-old`;
    await rename(out, old);
    try {
      await rename(staging, out);
    } catch (error) {
      await rename(old, out);
      throw error;
    }
    await rm(old, { recursive: true, force: true });
  }
  await syncFolder(dirname(out));
}

/** Makes a rename last over a power cut, where the system lets a folder be opened. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!["EISDIR", "EPERM", "EACCES", "EINVAL"].includes(systemCode(error) ?? "")) throw error;
  }
}

async function removeAbandoned(out: string): Promise<void> {
  const prefix = `${basename(out)}.partial-`;
  for (const entry of await readdir(dirname(out))) {
    if (!entry.startsWith(prefix)) continue;
    const pid = /^(\d+)-[0-9a-f]{6}(?:-old)?$/.exec(entry.slice(prefix.length))?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    await rm(join(dirname(out), entry), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== "ESRCH";
  }
}

/** Removes `folder` and its parents up to `first`, as long as they are empty. */
async function removeEmptyFolders(folder: string, first: string): Promise<void> {
  for (let path = folder; contains(first, path); path = dirname(path)) {
    try {
      await rmdir(path);
    } catch {
      return;
    }
  }
}

function ignoreMissing(error: unknown): void {
  if (systemCode(error) !== "ENOENT") throw error;
}

async function onDisk<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw diskError(path, error);
  }
}
