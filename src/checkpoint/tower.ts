import { FileSource } from "../core/files/bytes.ts";
import { asFlashSlothError } from "../core/errors.ts";
import { DiskFolder, type FolderFiles } from "../core/files/folder-files.ts";
import { SafetensorsFile } from "../formats/safetensors/file.ts";
import type { StoredTensor } from "../formats/safetensors/file.ts";
import { openTensorFile, openTensorFiles, type TensorFiles } from "../formats/safetensors/shards.ts";
import { VISION_TOWER_FILE } from "./file-names.ts";
import { TOWER_PREFIX, isVision } from "./names.ts";

/** A vision tower from elsewhere, under the names that a FlashSloth gives its tensors. */
export interface Tower {
  /** where it is from, for people and for telling conversions apart */
  readonly from: string;
  /** the folder or file of this disk that it is in; undefined for one of the hub */
  readonly path?: string | undefined;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Raw little-endian bytes of a tensor by the name that a FlashSloth gives it. */
  read(name: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Finds the vision tower of a checkpoint that holds none.
 * @param named what `mm_vision_tower` of its configuration says
 * @returns undefined when there is none to be had
 */
export type OpenTower = (named: string | undefined) => Promise<Tower | undefined>;

/** The vision tower among some tensors, whose names may lack {@link TOWER_PREFIX}; everything else among them is passed over. */
function towerAmong(
  files: Pick<TensorFiles, "tensors" | "read" | "close">,
  from: string,
  path?: string,
): Tower {
  const names = new Map<string, string>();
  const tensors = new Map<string, StoredTensor>();
  for (const [stored, tensor] of files.tensors) {
    const name = stored.startsWith(TOWER_PREFIX) ? stored : `${TOWER_PREFIX}${stored}`;
    if (!isVision(name)) continue;
    names.set(name, stored);
    tensors.set(name, tensor);
  }
  return {
    from,
    path,
    tensors,
    read: async (name) => files.read(names.get(name) ?? name),
    close: async () => files.close(),
  };
}

/**
 * The vision tower in a folder that is not on this disk: a repository of SigLIP, or any that holds its tensors.
 * @throws `checkpoint-invalid`
 */
export async function openTowerFolder(files: FolderFiles, from: string): Promise<Tower> {
  return towerAmong(await openTensorFiles({ files }), from);
}

/** The vision tower at a path of this disk: a folder, or one safetensors file. @throws `checkpoint-invalid` */
export async function openTowerAt(path: string): Promise<Tower> {
  if (!path.endsWith(".safetensors")) {
    return towerAmong(await openTensorFiles({ files: new DiskFolder(path) }), path, path);
  }
  const source = await FileSource.open(path).catch((error: unknown) => {
    throw asFlashSlothError(error, "checkpoint-invalid", `${path} cannot be opened`);
  });
  return towerAmong(await SafetensorsFile.open(source), path, path);
}

/** `vision_tower.safetensors` beside a checkpoint's own files, if it is there. */
export async function towerBeside(files: FolderFiles): Promise<Tower | undefined> {
  if (!(await files.list()).includes(VISION_TOWER_FILE)) return undefined;
  const path = files.pathOf(VISION_TOWER_FILE);
  return towerAmong(await openTensorFile(files, VISION_TOWER_FILE), VISION_TOWER_FILE, path);
}
