import { asFlashSlothError, FlashSlothError } from "../../core/errors.ts";
import type { FolderFiles } from "../../core/files/folder-files.ts";
import { SafetensorsFile, type StoredTensor } from "./file.ts";
import { invalid } from "./header.ts";
import { MAX_INDEX_BYTES, showName } from "./limits.ts";
import { chooseWeightFiles, INDEX_FILE, type WeightFiles } from "./weight-files.ts";

/** The tensors of a folder, in one file or in shards, under one roof. */
export interface TensorFiles {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The files that hold them. */
  readonly files: readonly { readonly name: string; readonly size: number; readonly tensors: number }[];
  /** What is unusual about them, as sentences. */
  readonly remarks: readonly string[];
  /** Raw little-endian bytes. @throws `checkpoint-invalid` for an unknown name or a failed read */
  read(name: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Opens the weights of a folder, see {@link chooseWeightFiles}. Only headers are read.
 * @throws `checkpoint-invalid` with the file, the tensor and the reason
 */
export async function openTensorFiles(options: {
  readonly files: FolderFiles;
  /** Names of files that are something else. @default none */
  readonly except?: readonly string[] | undefined;
}): Promise<TensorFiles> {
  const { files, except = [] } = options;
  const names = await files.list();
  const chosen = await chooseWeightFiles({
    names: names.filter((name) => !except.includes(name)),
    where: files.name,
    readIndex: async () => readIndex(files),
  });
  const opened = new Map<string, SafetensorsFile>();
  try {
    for (const name of chosen.names) opened.set(name, await openTensorFile(files, name));
    return gather(opened, chosen);
  } catch (error) {
    await closeAll(opened.values());
    throw error;
  }
}

/** One safetensors file of a folder. @throws `checkpoint-invalid` */
export async function openTensorFile(files: FolderFiles, name: string): Promise<SafetensorsFile> {
  const source = await files.open(name);
  if (source === undefined) throw invalid(files.pathOf(name), "the file is missing");
  return SafetensorsFile.open(source);
}

async function readIndex(files: FolderFiles): Promise<string> {
  const path = files.pathOf(INDEX_FILE);
  const source = await files.open(INDEX_FILE);
  if (source === undefined) throw invalid(path, "the file is missing");
  try {
    if (source.size > MAX_INDEX_BYTES) {
      throw invalid(path, `${source.size} bytes, more than the ${MAX_INDEX_BYTES} allowed`);
    }
    return new TextDecoder().decode(await source.read(0, source.size));
  } catch (error) {
    throw asFlashSlothError(error, "checkpoint-invalid", `${path} cannot be read`);
  } finally {
    await source.close();
  }
}

/**
 * Every tensor once. The shards themselves say what is in them: an index that disagrees is followed only where two shards hold the
 * same tensor.
 */
function gather(opened: ReadonlyMap<string, SafetensorsFile>, { index, remarks }: WeightFiles): TensorFiles {
  const owners = new Map<string, SafetensorsFile>();
  const tensors = new Map<string, StoredTensor>();
  const twice: string[] = [];
  const unlisted: string[] = [];
  for (const [file, shard] of opened) {
    for (const [name, tensor] of shard.tensors) {
      const listed = index?.get(name);
      const other = owners.get(name);
      if (other !== undefined) {
        if (listed === undefined) {
          throw invalid(shard.name, `tensor ${showName(name)} is here and in ${other.name} too`);
        }
        twice.push(name);
        if (listed !== file) continue;
      } else if (index !== undefined && listed === undefined) unlisted.push(name);
      owners.set(name, shard);
      tensors.set(name, tensor);
    }
  }
  const lost = [...(index?.keys() ?? [])].filter((name) => !tensors.has(name));
  return {
    tensors,
    files: [...opened].map(([name, file]) => ({ name, size: file.size, tensors: file.tensors.size })),
    remarks: [
      ...remarks,
      ...remarkOn(twice, "in more than one shard; the one that the index names counts"),
      ...remarkOn(unlisted, `in a shard and not in ${INDEX_FILE}`),
      ...remarkOn(lost, `in ${INDEX_FILE} and in no shard`),
    ],
    async read(name) {
      const file = owners.get(name);
      if (file === undefined) {
        throw new FlashSlothError("checkpoint-invalid", `no file holds a tensor ${showName(name)}`);
      }
      return file.read(name);
    },
    close: async () => closeAll(opened.values()),
  };
}

function remarkOn(names: readonly string[], what: string): string[] {
  const [first, ...others] = names;
  if (first === undefined) return [];
  return [
    `${showName(first)}${others.length === 0 ? " is" : ` and ${others.length} more tensors are`} ${what}`,
  ];
}

async function closeAll(files: Iterable<SafetensorsFile>): Promise<void> {
  for (const file of files) await file.close();
}
