import { lstat, mkdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { diskError } from "../core/files/bytes.ts";
import { onDisk, syncFolder } from "../core/files/disk.ts";
import { FlashSlothError, systemCode, type ErrorCode } from "../core/errors.ts";
import { withLock } from "../core/files/lock.ts";
import { CARD_FILE, MANIFEST_FILE } from "../core/model/manifest.ts";
import { FinishedFiles } from "./finished.ts";
import { checkTarget, contains } from "./target.ts";

export interface StagedOptions<T> {
  /** The folder that is to appear, complete or not at all. */
  readonly out: string;
  /** Replace a converted model that is already there. @default false */
  readonly overwrite?: boolean | undefined;
  /** Names what is made: files that an earlier run finished under the same key are used again. */
  readonly key: string;
  /** Makes the missing files in `finished.directory` and records them, then writes the manifest. */
  readonly fill: (finished: FinishedFiles) => Promise<T>;
}

/** Failures that the user can end, so that another run would go on: what is finished is worth keeping. */
const KEPT_AFTER: ReadonlySet<ErrorCode> = new Set(["interrupted", "disk", "native"]);

/** Where a conversion to `out`, a folder's path or name, is under way; what is finished of it stays there until it is complete. */
export function stagingFolder(out: string): string {
  return `${out}.partial`;
}

/**
 * Runs `fill` on the folder `<out>.partial`, and renames it into place when it returned. A run that is killed, stopped, or ends for want
 * of disk leaves its finished files there for the next one; any other failure leaves nothing. Of two processes with one `out` the
 * second is refused.
 * @throws `usage` when `out` holds anything but a model that may be replaced, or another process is at work on it; `disk`
 */
export async function fillStaged<T>(options: StagedOptions<T>): Promise<T> {
  const out = resolve(options.out);
  const overwrite = options.overwrite ?? false;
  await checkTarget(out, overwrite);
  const parent = dirname(out);
  const created = await onDisk(out, mkdir(parent, { recursive: true }));
  const onWait = ({ pid }: { pid: number }): never => {
    throw new FlashSlothError("usage", `process ${pid} is converting to ${out} already`, {
      hint: "wait until it is done, or choose another folder",
    });
  };
  try {
    return await withLock({ directory: parent, key: basename(stagingFolder(out)), onWait }, async () => {
      await onDisk(out, settleReplacement(out));
      const replaces = await checkTarget(out, overwrite);
      return await fillLocked(options, out, replaces);
    });
  } catch (error) {
    if (created !== undefined) await removeEmptyFolders(parent, created);
    throw error;
  }
}

async function fillLocked<T>(options: StagedOptions<T>, out: string, replaces: boolean): Promise<T> {
  const staging = stagingFolder(out);
  await requireOwn(staging);
  await onDisk(out, mkdir(staging, { recursive: true }));
  let finished: FinishedFiles | undefined;
  try {
    finished = await FinishedFiles.open(staging, options.key);
    const result = await options.fill(finished);
    await finished.sweep([MANIFEST_FILE, CARD_FILE]);
    await finished.close();
    await onDisk(out, moveIntoPlace(staging, out, replaces));
    return result;
  } catch (error) {
    const keep = error instanceof FlashSlothError && KEPT_AFTER.has(error.code);
    if (keep && finished !== undefined && finished.files.length > 0) await finished.sweep();
    else await rm(staging, { recursive: true, force: true });
    throw error;
  }
}

/** @throws `usage` when something that we did not write stands where the staging folder has to be */
async function requireOwn(staging: string): Promise<void> {
  const found = await lstat(staging).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw diskError(staging, error);
  });
  if (found === undefined || (found.isDirectory() && (await FinishedFiles.owns(staging)))) return;
  throw new FlashSlothError("usage", `${staging} is in the way: it is no unfinished conversion`, {
    hint: "move it away, or choose another output folder",
  });
}

/** A model that is being replaced stands here for a moment. */
function replacedFolder(out: string): string {
  return `${stagingFolder(out)}-old`;
}

async function moveIntoPlace(staging: string, out: string, replaces: boolean): Promise<void> {
  if (replaces) {
    await rename(out, replacedFolder(out));
  } else {
    // an empty folder that is already there may stay in the way on some systems
    await rmdir(out).catch(ignoreMissing);
  }
  try {
    await rename(staging, out);
  } catch (error) {
    if (replaces) await rename(replacedFolder(out), out);
    throw error;
  }
  await syncFolder(dirname(out));
  if (replaces) await rm(replacedFolder(out), { recursive: true, force: true });
}

/** Ends a replacement in which a process was killed: the old model comes back unless the new one is there. */
async function settleReplacement(out: string): Promise<void> {
  const old = replacedFolder(out);
  if (!(await exists(old))) return;
  if (await exists(join(out, MANIFEST_FILE))) await rm(old, { recursive: true, force: true });
  else if (await exists(join(old, MANIFEST_FILE))) await rename(old, out);
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
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
