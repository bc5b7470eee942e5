import { rm } from "node:fs/promises";
import { join } from "node:path";
import { diskError } from "../core/files/bytes.ts";
import { FlashSlothError } from "../core/errors.ts";
import { forgetModel } from "./caches.ts";
import { folderName, MODEL_NAMES, parseModelName } from "./catalogue.ts";
import { closestName } from "../core/closest-name.ts";
import { folderSize } from "./folder-size.ts";
import { storePaths, type StorePaths } from "./home.ts";
import { isHubFolder, repoKey } from "./hub-folder.ts";
import { discardFolder } from "./install.ts";
import { namesIn, PARTIAL_PREFIX, TRASH_PREFIX, tryReadModel } from "./installed.ts";
import { sweepDeadClaims, withLock } from "../core/files/lock.ts";
import { modelsNamed, namedFolders } from "./named.ts";
import type { OnStoreProgress } from "./progress.ts";
import { untilStopped } from "./stopped.ts";

export interface RemoveOptions {
  /** A name of the catalogue, `demo`, `hf:OWNER/REPO[@REVISION]`, or another name that `flashsloth list` shows. */
  readonly model: string;
  readonly paths?: StorePaths | undefined;
  readonly onProgress?: OnStoreProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RemovedModel {
  readonly name: string;
  /** what is gone, models, downloads and partial files alike */
  readonly removed: readonly string[];
  /** bytes that became free */
  readonly bytes: number;
}

interface Target {
  readonly parent: string;
  readonly folder: string;
}

/** Everything of one model: complete, under way, given up, fetched. */
async function targetsOf(text: string, paths: StorePaths): Promise<Target[]> {
  const complete = new Set((await modelsNamed(text, paths)).map(({ folder }) => folder));
  const named = parseModelName(text);
  const isOne = (folder: string): boolean =>
    complete.has(folder) || (named?.kind === "hub" && isHubFolder(named, folder));

  const isUnderWay = (name: string): boolean => {
    const rest = [PARTIAL_PREFIX, TRASH_PREFIX].find((prefix) => name.startsWith(prefix));
    if (rest === undefined) return false;
    const base = name.slice(rest.length).split("~")[0] ?? "";
    return isOne(base) || (named?.kind === "demo" && base.startsWith(`${named.name}@`));
  };
  const targets: Target[] = (await namesIn(paths.models))
    .filter((name) => isOne(name) || isUnderWay(name))
    .map((folder) => ({ parent: paths.models, folder }));
  if (named?.kind !== "hub") return targets;

  const fetched = `${folderName(named.repo)}@`;
  for (const parent of [paths.downloads, paths.checkpoints]) {
    for (const folder of await namesIn(parent)) {
      if (folder.startsWith(fetched)) targets.push({ parent, folder });
    }
  }
  return targets;
}

/**
 * Removes a model in all its variants, with its downloads and whatever interrupted runs left of it.
 * @throws `model-missing` when there is nothing of that model; `usage` for a name that is unknown; `disk`; `interrupted`
 */
export async function removeModel(options: RemoveOptions): Promise<RemovedModel> {
  const { model, paths = storePaths(), onProgress, signal } = options;
  const named = parseModelName(model);
  const name = named?.name ?? model;
  const before = await targetsOf(model, paths);
  if (before.length === 0) throw await nothingToRemove(model, paths);

  const key = named?.kind === "hub" ? repoKey(named.repo) : (before[0]?.folder ?? name);
  const onWait = ({ pid }: { pid: number }): void => onProgress?.({ stage: "wait", pid, model: name });
  const result = await untilStopped(signal, async () =>
    withLock({ directory: paths.locks, key, onWait, signal }, async () => {
      const removed: string[] = [];
      let bytes = 0;
      for (const { parent, folder } of await targetsOf(model, paths)) {
        const directory = join(parent, folder);
        bytes += await folderSize(directory);
        const whole = parent === paths.models && !folder.startsWith(".");
        if (whole) await forgetModel(await tryReadModel(directory), paths);
        await (whole ? discardFolder(parent, folder) : rm(directory, { recursive: true, force: true })).catch(
          (error: unknown) => {
            throw diskError(directory, error);
          },
        );
        removed.push(directory);
      }
      return { name, removed, bytes };
    }),
  );
  await sweepDeadClaims(paths.locks);
  return result;
}

async function nothingToRemove(model: string, paths: StorePaths): Promise<FlashSlothError> {
  const names = [...new Set((await namedFolders(paths)).map(({ name }) => name))];
  if (parseModelName(model) !== undefined) {
    return new FlashSlothError("model-missing", `${model} is not on this disk`, {
      hint: "`flashsloth list` shows what is",
    });
  }
  const near = closestName(model, [...names, ...MODEL_NAMES]);
  const guess = near === undefined ? "" : `did you mean "${near}"? `;
  const there = names.length === 0 ? "no model is on this disk" : `on this disk are ${names.join(", ")}`;
  return new FlashSlothError("usage", `no model on this disk is called "${model}"`, { hint: guess + there });
}
