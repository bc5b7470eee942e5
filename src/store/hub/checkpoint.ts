import { mkdir, readFile, rm, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { onDisk } from "../../core/disk.ts";
import { FlashSlothError } from "../../core/errors.ts";
import { INDEX_FILE } from "../../formats/safetensors/weight-files.ts";
import type { OnStoreProgress } from "../progress.ts";
import { findCached } from "./cache.ts";
import type { HubConnection } from "./connection.ts";
import { fetchFile } from "./fetch-file.ts";
import type { HubFile } from "./listing.ts";
import { DownloadMeter } from "./meter.ts";
import { describingFiles, weightFiles } from "./needed.ts";
import type { RetryOptions } from "./retry.ts";

/** Files fetched at the same time: enough to fill a line, few enough that one of them is finished soon. */
const PARALLEL = 4;

export interface FetchCheckpointOptions {
  readonly connection: HubConnection;
  readonly repo: string;
  readonly commit: string;
  /** every file of the repository at `commit` */
  readonly listing: readonly HubFile[];
  /** Where the checkpoint is put together. */
  readonly directory: string;
  /** folder of the hub tools' cache, whose files are linked to instead of fetched */
  readonly cache: string;
  /** false: only what is on this disk may be used */
  readonly fetch: boolean;
  /** Told what is still to come before anything large does. @throws `disk` */
  readonly checkSpace: (bytes: { readonly toFetch: number; readonly checkpoint: number }) => Promise<void>;
  readonly onProgress?: OnStoreProgress | undefined;
  readonly retry: RetryOptions;
}

export interface FetchedCheckpoint {
  /** bytes of all its files */
  readonly size: number;
  /** bytes that came over the network in this run */
  readonly received: number;
  /** bytes used where a hub tool had put them */
  readonly cached: number;
}

/**
 * Puts a checkpoint together in `directory` from what is there, what the hub's cache has, and what the hub sends.
 * @throws `checkpoint-invalid` when the repository is no checkpoint; what `fetchFile` throws
 */
export async function fetchCheckpoint(options: FetchCheckpointOptions): Promise<FetchedCheckpoint> {
  const { repo, listing, directory, onProgress, checkSpace } = options;
  await onDisk(directory, mkdir(directory, { recursive: true }));

  const describing = describingFiles(repo, listing);
  const first = new DownloadMeter(sizesOf(describing));
  const cachedFirst = await collect(options, describing, first, async (toFetch) =>
    checkSpace({ toFetch, checkpoint: 0 }),
  );
  const weights = await weightFiles(repo, listing, async () => readFile(join(directory, INDEX_FILE), "utf8"));
  const all = [...describing, ...weights];
  const meter = new DownloadMeter(sizesOf(all), onProgress);
  for (const { path, size } of describing) meter.set(path, size);
  const checkpoint = all.reduce((sum, { size }) => sum + size, 0);
  const cached = await collect(options, weights, meter, async (toFetch) =>
    checkSpace({ toFetch, checkpoint }),
  );
  return {
    size: checkpoint,
    received: first.received + meter.received,
    cached: cachedFirst + cached,
  };
}

function sizesOf(files: readonly HubFile[]): Map<string, number> {
  return new Map(files.map(({ path, size }) => [path, size]));
}

/** Makes `files` present. Returns how many bytes the hub's cache gave. */
async function collect(
  options: FetchCheckpointOptions,
  files: readonly HubFile[],
  meter: DownloadMeter,
  checkSpace: (toFetch: number) => Promise<void>,
): Promise<number> {
  const { directory, repo, commit, connection, retry, onProgress } = options;
  const missing: HubFile[] = [];
  let cached = 0;
  let toFetch = 0;
  for (const file of files) {
    const target = join(directory, file.path);
    // a file has its own name only since its hash was right
    if ((await sizeOf(target)) === file.size) {
      meter.set(file.path, file.size);
    } else if (await linkCached(options, file, target)) {
      cached += file.size;
      meter.set(file.path, file.size);
    } else {
      missing.push(file);
      toFetch += file.size - Math.min(file.size, (await sizeOf(`${target}.part`)) ?? 0);
    }
  }
  const [lacking] = missing;
  if (!options.fetch && lacking !== undefined) {
    throw new FlashSlothError(
      "model-missing",
      `${repo} is not wholly on this disk: ${lacking.path} is missing`,
    );
  }
  await checkSpace(toFetch);
  await inParallel(missing, retry.signal, async (file, signal) =>
    fetchFile({
      connection,
      repo,
      commit,
      file,
      target: join(directory, file.path),
      onBytes: (there) => meter.set(file.path, there),
      onReceived: (count) => {
        meter.received += count;
      },
      onRehash: (done, total) => onProgress?.({ stage: "verify", file: file.path, done, total }),
      retry: { ...retry, signal },
    }),
  );
  meter.report(Infinity);
  return cached;
}

async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true ? found.size : undefined;
}

async function linkCached(options: FetchCheckpointOptions, file: HubFile, target: string): Promise<boolean> {
  const { cache, repo, commit, retry, onProgress } = options;
  const found = await findCached(
    { cache, repo, commit, file },
    {
      signal: retry.signal,
      onBytes: (done) => onProgress?.({ stage: "verify", file: file.path, done, total: file.size }),
    },
  );
  if (found === undefined) return false;
  await rm(target, { force: true });
  // where links are not allowed (Windows without developer mode) the file is fetched
  return symlink(found, target, "file").then(
    () => true,
    () => false,
  );
}

/** Runs `work` on all items, a few at a time; the first failure stops the others and is thrown once they stopped. */
async function inParallel<T>(
  items: readonly T[],
  outer: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const signal = outer === undefined ? stop.signal : AbortSignal.any([outer, stop.signal]);
  const queue = items.values();
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      if (signal.aborted) return;
      try {
        await work(item, signal);
      } catch (error) {
        failure ??= { error };
        stop.abort(error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, worker));
  if (failure !== undefined) throw failure.error;
  outer?.throwIfAborted();
}
