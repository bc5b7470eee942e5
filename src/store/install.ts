import { randomBytes } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { stagingFolder } from "../convert/staging.ts";
import { diskError } from "../core/files/bytes.ts";
import { FlashSlothError, systemCode } from "../core/errors.ts";
import type { Manifest } from "../core/model/manifest.ts";
import type { StorePaths } from "./home.ts";
import {
  installedModels,
  namesIn,
  PARTIAL_PREFIX,
  readModel,
  TRASH_PREFIX,
  tryReadModel,
  type InstalledModel,
} from "./installed.ts";
import { sweepDeadClaims, withLock } from "../core/files/lock.ts";
import type { OnStoreProgress } from "./progress.ts";

export interface InstallOptions {
  readonly paths: StorePaths;
  /** the model's folder under `paths.models` */
  readonly folder: string;
  /** What the lock is taken on. @default the folder's name */
  readonly lockKey?: string | undefined;
  /** for messages */
  readonly name: string;
  /** Another folder of the store that serves as well. @default none does */
  readonly find?: (() => Promise<string | undefined>) | undefined;
  /** The folder that the finished model gets. @default `folder` */
  readonly folderOf?: ((manifest: Manifest) => string) | undefined;
  /**
   * Makes the model in a folder that does not exist yet and that nobody else uses. What an earlier run finished under
   * the same `progressKey` may be in `stagingFolder(out)`.
   */
  readonly build: (out: string) => Promise<unknown>;
  /** Called once the model is complete and before it is in its place: removes what only its making needed. */
  readonly beforePublish?: ((manifest: Manifest) => Promise<void>) | undefined;
  /** Names what the model is built from; left-overs of another key are thrown away. */
  readonly progressKey: string;
  /** Whether another model of the store is an older make of this one, to be removed once this one is there. @default none is */
  readonly supersedes?: ((other: InstalledModel) => boolean) | undefined;
  readonly onProgress?: OnStoreProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Removes what dead processes left of `folder`, other than `keep` and the conversion to it that was begun. Only with the
 * lock of `folder` held.
 */
async function clearLeftovers(models: string, folder: string, keep?: string): Promise<void> {
  const mine = [`${PARTIAL_PREFIX}${folder}~`, `${TRASH_PREFIX}${folder}~`];
  const kept = keep === undefined ? [] : [keep, stagingFolder(keep)];
  for (const name of await namesIn(models)) {
    if (!kept.includes(name) && mine.some((prefix) => name.startsWith(prefix))) {
      await rm(join(models, name), { recursive: true, force: true });
    }
  }
}

/** Removes a model's folder so that at no moment half of it can be taken for a model. */
export async function discardFolder(models: string, folder: string): Promise<void> {
  const trash = join(models, `${TRASH_PREFIX}${folder}~${randomBytes(6).toString("hex")}`);
  await rename(join(models, folder), trash);
  await rm(trash, { recursive: true, force: true });
}

/** Whether a call to the operating system failed (`ENOSPC`), as opposed to our own code or Node's (`ERR_…`). */
function isSystemError(error: unknown): boolean {
  return !(error instanceof FlashSlothError) && /^E[A-Z0-9]+$/.test(systemCode(error) ?? "");
}

/** A model in use elsewhere may refuse to go (Windows): it stays, and `flashsloth remove` takes it later. */
async function removeSuperseded(
  models: string,
  folder: string,
  supersedes: (other: InstalledModel) => boolean,
): Promise<void> {
  for (const other of await installedModels(models)) {
    if (other.folder !== folder && supersedes(other)) {
      await discardFolder(models, other.folder).catch(() => undefined);
    }
  }
}

/**
 * The folder of a model, built if it is not there. Of several processes one builds, the others wait and use what it made.
 * @throws what `build` throws, `disk`, or the signal's reason
 */
export async function installModel(options: InstallOptions): Promise<string> {
  const { paths, folder, lockKey = folder, name, supersedes, find, folderOf } = options;
  const { build, beforePublish, progressKey, onProgress, signal } = options;
  const present = async (): Promise<string | undefined> => {
    const directory = join(paths.models, folder);
    return (await tryReadModel(directory)) === undefined ? find?.() : directory;
  };
  const there = await present();
  if (there !== undefined) {
    await sweepDeadClaims(paths.locks);
    return there;
  }

  const onWait = ({ pid }: { pid: number }): void => onProgress?.({ stage: "wait", pid, model: name });
  return withLock({ directory: paths.locks, key: lockKey, onWait, signal }, async () => {
    const partial = `${PARTIAL_PREFIX}${folder}~${progressKey}`;
    const meanwhile = await present();
    if (meanwhile !== undefined) {
      await clearLeftovers(paths.models, folder);
      return meanwhile;
    }
    let directory = join(paths.models, folder);
    const out = join(paths.models, partial);
    try {
      await mkdir(paths.models, { recursive: true });
      await clearLeftovers(paths.models, folder, partial);
      signal?.throwIfAborted();
      // complete already when a run was killed just before the rename below
      if ((await tryReadModel(out)) === undefined) {
        await rm(out, { recursive: true, force: true });
        await build(out);
      }
      const manifest = await readModel(out);
      const own = folderOf?.(manifest) ?? folder;
      directory = join(paths.models, own);
      await beforePublish?.(manifest);
      await clearLeftovers(paths.models, folder, partial);
      if ((await namesIn(paths.models)).includes(own)) await discardFolder(paths.models, own);
      await rename(out, directory);
      if (supersedes !== undefined) await removeSuperseded(paths.models, own, supersedes);
    } catch (error) {
      throw isSystemError(error) ? diskError(directory, error) : error;
    }
    return directory;
  });
}
