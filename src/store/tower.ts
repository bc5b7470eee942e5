import { existsSync } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { VISION_TOWER_FILE } from "../checkpoint/file-names.ts";
import { openTowerAt, towerBeside, type OpenTower } from "../checkpoint/tower.ts";
import { onDisk } from "../core/files/disk.ts";
import { requireSpace } from "../core/files/disk-space.ts";
import { DiskFolder, type FolderFiles } from "../core/files/folder-files.ts";
import { withLock } from "../core/files/lock.ts";
import { folderName } from "./catalogue.ts";
import { projectConverter, type Converter, type TowerToCopy } from "./converter.ts";
import type { StorePaths } from "./home.ts";
import { HubConnection } from "./hub/connection.ts";
import { DownloadMeter } from "./hub/meter.ts";
import { PATIENCE, type Patience } from "./hub/retry.ts";
import { noteRetries } from "./hub/retry-note.ts";
import { hubSettings, type Environment } from "./hub/settings.ts";
import { hubTower } from "./hub/tower.ts";
import type { OnStoreProgress } from "./progress.ts";
import { storeNeed } from "./space.ts";

/** A vision tower of this disk: beside a checkpoint's files, or in the folder that its configuration names, from there or from here. */
export function localTower(files: FolderFiles): OpenTower {
  return async (named) => {
    const beside = await towerBeside(files);
    if (beside !== undefined || named === undefined) return beside;
    const folder = await namedFolder(files, named);
    return folder === undefined ? undefined : openTowerAt(folder);
  };
}

/** The folder that a path of `mm_vision_tower` leads to, as upstream's code looks for it. */
async function namedFolder(files: FolderFiles, named: string): Promise<string | undefined> {
  const candidates = isAbsolute(named) ? [named] : [join(files.name, named), named];
  for (const path of candidates) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory() === true) return path;
  }
  return undefined;
}

export interface VisionTowerOptions {
  /** folder of a checkpoint */
  readonly checkpoint: string;
  readonly strict?: boolean | undefined;
  readonly paths: StorePaths;
  /** Whether the hub may be asked. @default true, unless `HF_HUB_OFFLINE` is set */
  readonly download?: boolean | undefined;
  readonly onProgress?: OnStoreProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly env?: Environment | undefined;
  readonly patience?: Partial<Patience> | undefined;
  readonly convert?: Converter | undefined;
}

/**
 * Runs `work` with the place of the vision tower that a checkpoint's folder lacks: a folder of this disk, or what is fetched of the
 * hub's repository for the time of the work; with undefined where nothing is lacking.
 * @throws `checkpoint-invalid`, `network`, `access`, `model-missing`, `disk`; what `work` throws
 */
export async function withVisionTower<T>(
  options: VisionTowerOptions,
  work: (visionTower: string | undefined) => Promise<T>,
): Promise<T> {
  const { checkpoint, strict, download = true, onProgress, signal, convert = projectConverter } = options;
  if (!existsSync(checkpoint)) return work(undefined); // which says so
  const files = new DiskFolder(checkpoint);
  const connection = new HubConnection(await hubSettings(options.env), { ...PATIENCE, ...options.patience });
  const retry = { patience: connection.patience, signal, onRetry: noteRetries(onProgress) };
  const [here, there] = [
    localTower(files),
    hubTower(files, { connection, fetch: download, retry, onProgress }),
  ];
  try {
    const openTower: OpenTower = async (named) => (await here(named)) ?? (await there(named));
    const examined = await convert.examine({ files, strict, openTower });
    try {
      const { tower } = examined;
      if (tower === undefined || tower.path !== undefined) return await work(tower?.path);
      return await withFetched(options, tower, work);
    } finally {
      await examined.close();
    }
  } finally {
    await connection.close();
  }
}

/** The copy is under way, or there, for one process at a time. */
async function withFetched<T>(
  { paths, onProgress, signal }: VisionTowerOptions,
  tower: TowerToCopy,
  work: (visionTower: string) => Promise<T>,
): Promise<T> {
  const folder = folderName(tower.from);
  const directory = join(paths.downloads, folder);
  const onWait = ({ pid }: { pid: number }): void => onProgress?.({ stage: "wait", pid, model: tower.from });
  return withLock({ directory: paths.locks, key: `tower-${folder}`, onWait, signal }, async () => {
    const path = join(directory, VISION_TOWER_FILE);
    await onDisk(directory, mkdir(directory, { recursive: true }));
    await requireSpace(storeNeed({ home: paths.home, toFetch: tower.bytes, toConvert: 0 }));
    const meter = new DownloadMeter(new Map([[tower.from, tower.bytes]]), onProgress);
    await tower.copy(path, { onBytes: (done) => meter.set(tower.from, done), signal });
    meter.report(Infinity);
    const result = await work(path);
    await rm(directory, { recursive: true, force: true });
    return result;
  });
}
