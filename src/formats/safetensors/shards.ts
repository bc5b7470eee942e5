import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { FileSource } from "../../core/bytes.ts";
import { asFlashSlothError, FlashSlothError, systemCode } from "../../core/errors.ts";
import { SafetensorsFile, type StoredTensor } from "./file.ts";
import { invalid } from "./header.ts";
import { parseIndex } from "./index-file.ts";
import { MAX_INDEX_BYTES, showName } from "./limits.ts";

export const SINGLE_FILE = "model.safetensors";
export const INDEX_FILE = "model.safetensors.index.json";

/** The tensors of a folder, in one file or in shards, under one roof. */
export interface TensorFiles {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Raw little-endian bytes. @throws `checkpoint-invalid` for an unknown name or a failed read */
  read(name: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names. Only headers are read.
 * @throws `checkpoint-invalid` with the file, the tensor and the reason
 */
export async function openTensorFiles(options: { readonly directory: string }): Promise<TensorFiles> {
  const { directory } = options;
  if (existsSync(join(directory, SINGLE_FILE))) {
    const file = await openFile(join(directory, SINGLE_FILE), "cannot be opened");
    return gather([file]);
  }
  const indexPath = join(directory, INDEX_FILE);
  if (!existsSync(indexPath)) {
    throw new FlashSlothError(
      "checkpoint-invalid",
      `${directory} holds neither ${SINGLE_FILE} nor ${INDEX_FILE}`,
      { hint: "give the folder that holds the checkpoint's config.json and its safetensors files" },
    );
  }
  const weightMap = parseIndex(await readIndex(indexPath), indexPath);
  const files = new Map<string, SafetensorsFile>();
  try {
    for (const shard of new Set(weightMap.values())) {
      files.set(
        shard,
        await openFile(join(directory, shard), `is named by ${INDEX_FILE} and cannot be opened`),
      );
    }
    checkAgainstIndex(weightMap, files, indexPath);
    return gather([...files.values()]);
  } catch (error) {
    await closeAll([...files.values()]);
    throw error;
  }
}

async function openFile(path: string, trouble: string): Promise<SafetensorsFile> {
  let source: FileSource;
  try {
    if (!(await stat(path)).isFile()) throw invalid(path, "not a regular file");
    source = await FileSource.open(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") throw invalid(path, `the file is missing, it ${trouble}`, error);
    throw asFlashSlothError(error, "checkpoint-invalid", `${path} ${trouble}`);
  }
  return SafetensorsFile.open(source);
}

async function readIndex(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > MAX_INDEX_BYTES) {
      throw invalid(path, `${size} bytes, more than the ${MAX_INDEX_BYTES} allowed`);
    }
    return await readFile(path, "utf8");
  } catch (error) {
    throw asFlashSlothError(error, "checkpoint-invalid", `${path} cannot be read`);
  }
}

/** Index and shards list the same tensors, each in one place. */
function checkAgainstIndex(
  weightMap: ReadonlyMap<string, string>,
  files: ReadonlyMap<string, SafetensorsFile>,
  indexPath: string,
): void {
  for (const [tensor, shard] of weightMap) {
    const file = files.get(shard);
    if (file !== undefined && !file.tensors.has(tensor)) {
      throw invalid(file.name, `tensor ${showName(tensor)} is missing, though ${INDEX_FILE} says it is here`);
    }
  }
  for (const [shard, file] of files) {
    for (const tensor of file.tensors.keys()) {
      const listed = weightMap.get(tensor);
      if (listed === undefined) {
        throw invalid(indexPath, `does not list tensor ${showName(tensor)} of ${shard}`);
      }
      if (listed !== shard) {
        throw invalid(file.name, `tensor ${showName(tensor)} is here and in ${listed} too`);
      }
    }
  }
}

function gather(files: readonly SafetensorsFile[]): TensorFiles {
  const owners = new Map<string, SafetensorsFile>();
  const tensors = new Map<string, StoredTensor>();
  for (const file of files) {
    for (const [name, tensor] of file.tensors) {
      owners.set(name, file);
      tensors.set(name, tensor);
    }
  }
  return {
    tensors,
    async read(name) {
      const file = owners.get(name);
      if (file === undefined) {
        throw new FlashSlothError("checkpoint-invalid", `no file holds a tensor ${showName(name)}`);
      }
      return file.read(name);
    },
    close: () => closeAll(files),
  };
}

async function closeAll(files: readonly SafetensorsFile[]): Promise<void> {
  for (const file of files) await file.close();
}
