import { rm, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { FlashSlothError } from "../../core/errors.ts";
import type { OnStoreProgress } from "../progress.ts";
import { findCached } from "./cache.ts";
import type { HubConnection } from "./connection.ts";
import { fetchFile } from "./fetch-file.ts";
import type { HubFile } from "./listing.ts";
import type { DownloadMeter } from "./meter.ts";
import type { RetryOptions } from "./retry.ts";

/** Files fetched at the same time: enough to fill a line, few enough that one of them is finished soon. */
const PARALLEL = 4;

export interface CollectOptions {
  readonly connection: HubConnection;
  readonly repo: string;
  readonly commit: string;
  /** Where the files are put together. */
  readonly directory: string;
  /** folder of the hub tools' cache, whose files are linked to instead of fetched */
  readonly cache: string;
  /** false: only what is on this disk may be used */
  readonly fetch: boolean;
  readonly onProgress?: OnStoreProgress | undefined;
  readonly retry: RetryOptions;
}

/** What there is of some files. */
export interface Settled {
  readonly missing: readonly HubFile[];
  /** bytes that the hub's cache gave */
  readonly cached: number;
  /** bytes that are still to come */
  readonly toFetch: number;
}

/**
 * Finds what is there of some files, and links to those that the hub's cache has.
 * @throws `model-missing` when one is not on this disk and may not be fetched
 */
export async function settleFiles(
  options: CollectOptions,
  files: readonly HubFile[],
  meter: DownloadMeter,
): Promise<Settled> {
  const { directory, repo } = options;
  const absent = await whatIsMissing(options, files, meter);
  const missing: HubFile[] = [];
  let { toFetch } = absent;
  let cached = 0;
  for (const file of absent.missing) {
    const target = join(directory, file.path);
    if (!(await linkCached(options, file, target))) {
      missing.push(file);
      continue;
    }
    cached += file.size;
    toFetch -= await toCome(target, file);
    meter.set(file.path, file.size);
  }
  const [lacking] = missing;
  if (!options.fetch && lacking !== undefined) {
    throw new FlashSlothError(
      "model-missing",
      `${repo} is not wholly on this disk: ${lacking.path} is missing`,
    );
  }
  return { missing, cached, toFetch };
}

/** Which of some files have not arrived. */
export async function whatIsMissing(
  { directory }: Pick<CollectOptions, "directory">,
  files: readonly HubFile[],
  meter: DownloadMeter,
): Promise<Pick<Settled, "missing" | "toFetch">> {
  const missing: HubFile[] = [];
  let toFetch = 0;
  for (const file of files) {
    const target = join(directory, file.path);
    // a file has its own name only since its hash was right
    if ((await sizeOf(target)) === file.size) {
      meter.set(file.path, file.size);
    } else {
      missing.push(file);
      toFetch += await toCome(target, file);
    }
  }
  return { missing, toFetch };
}

/** Bytes of a file that has not arrived, without those in its `.part`. */
async function toCome(target: string, { size }: HubFile): Promise<number> {
  return size - Math.min(size, (await sizeOf(`${target}.part`)) ?? 0);
}

/** Fetches files, several at a time. @throws what `fetchFile` throws */
export async function fetchFiles(
  options: CollectOptions,
  files: readonly HubFile[],
  meter: DownloadMeter,
): Promise<void> {
  const { directory, repo, commit, connection, retry, onProgress } = options;
  await inParallel(files, retry.signal, async (file, signal) =>
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
}

export function sizesOf(files: readonly HubFile[]): Map<string, number> {
  return new Map(files.map(({ path, size }) => [path, size]));
}

async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true ? found.size : undefined;
}

async function linkCached(options: CollectOptions, file: HubFile, target: string): Promise<boolean> {
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
