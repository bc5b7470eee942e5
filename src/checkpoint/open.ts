import { existsSync } from "node:fs";
import { join } from "node:path";
import { toFloat32, type Dtype } from "../core/dtype.ts";
import { FlashSlothError } from "../core/errors.ts";
import { sameShape, showShape, type Shape } from "../core/shape.ts";
import { showName } from "../formats/safetensors/limits.ts";
import { openTensorFiles, type TensorFiles } from "../formats/safetensors/shards.ts";
import type { StoredTensor } from "../formats/safetensors/file.ts";
import { parseConfigFile } from "./config-file.ts";
import { resolveConfig, type ResolvedConfig } from "./config.ts";
import { CONFIG_FILE } from "./file-names.ts";
import { isUnused } from "./names.ts";
import { invalidFile, parseJson, readText } from "./read-text.ts";
import { expectedTensors } from "./tensors.ts";
import { readTokenizer } from "./tokenizer.ts";
import type { Checkpoint, TensorInfo } from "./types.ts";

const MAX_CONFIG_BYTES = 1024 * 1024;

export interface OpenCheckpointOptions {
  /** Folder in the hub's layout: `config.json`, safetensors, tokenizer files. */
  readonly directory: string;
}

/**
 * Opens a FlashSloth checkpoint and checks all of it that is not weights: configuration, tokenizer, name, type and shape of
 * every tensor. Weights are read when they are asked for.
 * @throws `checkpoint-invalid` naming the file, and the field, token or tensor that does not fit
 */
export async function openCheckpoint(options: OpenCheckpointOptions): Promise<Checkpoint> {
  const { directory } = options;
  if (!existsSync(directory)) {
    throw new FlashSlothError("checkpoint-invalid", `${directory} does not exist`, {
      hint: "give the folder that holds the checkpoint's config.json",
    });
  }
  const configPath = join(directory, CONFIG_FILE);
  const configText = await readText(configPath, MAX_CONFIG_BYTES);
  const configFile = parseConfigFile(parseJson(configText, configPath), configPath);
  const tokenizer = await readTokenizer(directory, configFile.vocab_size);

  const files = await openTensorFiles({ directory });
  try {
    const shapes = new Map([...files.tensors].map(([name, { shape }]) => [name, shape]));
    const resolved = resolveConfig({ file: configFile, shapes, where: configPath });
    const tensors = checkTensors(directory, files.tensors, resolved);
    return { directory, config: resolved.config, tokenizer, ...tensorAccess(files, tensors) };
  } catch (error) {
    await files.close();
    throw error;
  }
}

/** Every tensor of the computation is there in a known type and its shape, and nothing is there that nobody knows. */
function checkTensors(
  directory: string,
  stored: ReadonlyMap<string, StoredTensor>,
  { config, towerLayers }: ResolvedConfig,
): ReadonlyMap<string, TensorInfo> {
  const expected = expectedTensors(config);
  for (const { name, file } of stored.values()) {
    if (!expected.has(name) && !isUnused(name, config, towerLayers)) {
      throw invalidFile(file, `tensor ${showName(name)} is no part of a FlashSloth`);
    }
  }
  const tensors = new Map<string, TensorInfo>();
  for (const [name, shape] of expected)
    tensors.set(name, checkTensor(directory, name, shape, stored.get(name)));
  return tensors;
}

function checkTensor(
  directory: string,
  name: string,
  expected: Shape,
  stored: StoredTensor | undefined,
): TensorInfo {
  if (stored === undefined) {
    throw invalidFile(directory, `tensor ${name} is missing from the checkpoint`);
  }
  const { dtype, shape, byteLength, file } = stored;
  if (!sameShape(shape, expected)) {
    throw invalidFile(
      file,
      `tensor ${name} has shape ${showShape(shape)}, the configuration needs ${showShape(expected)}`,
    );
  }
  if (!isWeightType(dtype)) throw invalidFile(file, `tensor ${name} is ${dtype}, not F16, BF16 or F32`);
  return { name, dtype, shape, byteLength };
}

function isWeightType(dtype: string): dtype is Dtype {
  return dtype === "F16" || dtype === "BF16" || dtype === "F32";
}

function tensorAccess(
  files: TensorFiles,
  tensors: ReadonlyMap<string, TensorInfo>,
): Omit<Checkpoint, "directory" | "config" | "tokenizer"> {
  const unread = new Set(tensors.keys());
  const read = async (name: string): Promise<{ info: TensorInfo; bytes: Uint8Array }> => {
    const info = tensors.get(name);
    if (info === undefined) {
      throw new FlashSlothError("checkpoint-invalid", `the checkpoint has no tensor ${showName(name)}`);
    }
    const bytes = await files.read(name);
    unread.delete(name);
    return { info, bytes };
  };
  return {
    tensors,
    async readBytes(name) {
      const { bytes } = await read(name);
      return bytes;
    },
    async readFloat32(name) {
      const { info, bytes } = await read(name);
      return toFloat32(bytes, info.dtype);
    },
    unconsumed: () => [...unread],
    close: () => files.close(),
  };
}
