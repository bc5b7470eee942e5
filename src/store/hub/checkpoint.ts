import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { VISION_TOWER_FILE } from "../../checkpoint/file-names.ts";
import { onDisk } from "../../core/files/disk.ts";
import type { FolderFiles } from "../../core/files/folder-files.ts";
import { INDEX_FILE } from "../../formats/safetensors/weight-files.ts";
import type { Examination } from "../converter.ts";
import { fetchFiles, settleFiles, sizesOf, whatIsMissing, type CollectOptions } from "./collect.ts";
import { DownloadFolder } from "./download-folder.ts";
import type { HubFile } from "./listing.ts";
import { DownloadMeter } from "./meter.ts";
import { describingFiles, weightFiles } from "./needed.ts";

export interface FetchCheckpointOptions extends CollectOptions {
  /** every file of the repository at `commit` */
  readonly listing: readonly HubFile[];
  /** Asked once what describes the checkpoint is there, before its weights are: their beginnings arrive when they are read. */
  readonly examine: (files: FolderFiles) => Promise<Examination>;
  /** Told what is still to come before anything large does. @throws `disk` */
  readonly checkSpace: (bytes: {
    readonly toFetch: number;
    readonly toConvert: number;
    /** whether these are the weights */
    readonly weights: boolean;
  }) => Promise<void>;
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
 * Puts a checkpoint together in `directory` from what is there, what the hub's cache has, and what the hub sends. Whether it will
 * convert is known before more than the beginnings of its weights have come.
 * @throws `checkpoint-invalid` when the repository is no checkpoint; what `examine` and `fetchFile` throw
 */
export async function fetchCheckpoint(options: FetchCheckpointOptions): Promise<FetchedCheckpoint> {
  const { repo, listing, directory, onProgress, checkSpace, retry } = options;
  await onDisk(directory, mkdir(directory, { recursive: true }));

  const describing = describingFiles(repo, listing);
  const first = new DownloadMeter(sizesOf(describing));
  const described = await settleFiles(options, describing, first);
  await checkSpace({ toFetch: described.toFetch, toConvert: 0, weights: false });
  await fetchFiles(options, described.missing, first);

  const readIndex = async (): Promise<string> => readFile(join(directory, INDEX_FILE), "utf8");
  const weights = await weightFiles(repo, listing, readIndex);
  const all = [...describing, ...weights];
  const { cached } = await settleFiles(options, weights, new DownloadMeter(sizesOf(all)));
  const seen = { received: 0 };
  const onReceived = (count: number): void => {
    seen.received += count;
  };
  const examined = await options.examine(new DownloadFolder({ ...options, onReceived }));
  const { tower } = examined;
  const meter = new DownloadMeter(
    new Map([...sizesOf(all), ...(tower === undefined ? [] : [[tower.from, tower.bytes] as const])]),
    onProgress,
  );
  try {
    for (const { path, size } of describing) meter.set(path, size);
    const left = await whatIsMissing(options, weights, meter);
    const toFetch = left.toFetch + (tower?.bytes ?? 0);
    await checkSpace({ toFetch, toConvert: examined.peak, weights: true });
    await fetchFiles(options, left.missing, meter);
    await tower?.copy(join(directory, VISION_TOWER_FILE), {
      onBytes: (done) => meter.set(tower.from, done),
      signal: retry.signal,
    });
  } finally {
    await examined.close();
  }
  const size = all.reduce((sum, file) => sum + file.size, 0);
  return {
    size: size + (tower?.bytes ?? 0),
    received: first.received + seen.received + meter.received,
    cached: described.cached + cached,
  };
}
