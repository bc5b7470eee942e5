import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { demoCheckpoint } from "../../src/store/demo.ts";
import type { ServedFile } from "./server.ts";

/** The demo's checkpoint as a repository, with files beside it that no model needs. */
export async function demoRepository(): Promise<Record<string, ServedFile>> {
  const files: Record<string, ServedFile> = {
    ".gitattributes": { bytes: Buffer.from("*.safetensors filter=lfs\n"), lfs: false },
    "README.md": { bytes: Buffer.from("# a model\n"), lfs: false },
    "pytorch_model.bin": { bytes: Buffer.alloc(100_000, 7), lfs: true },
    "assets/teaser.png": { bytes: Buffer.alloc(5000, 9), lfs: true },
  };
  for (const name of await readdir(demoCheckpoint())) {
    files[name] = {
      bytes: await readFile(join(demoCheckpoint(), name)),
      lfs: name.endsWith(".safetensors"),
    };
  }
  return files;
}

/** Bytes that compress badly and differ with `seed` (xorshift32). */
export function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed | 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state & 0xff;
  }
  return bytes;
}

/** A repository in shards whose weights are noise: for all that happens before a conversion. */
export function shardedRepository(shards: number, bytesEach: number): Record<string, ServedFile> {
  const name = (shard: number): string =>
    `model-${String(shard).padStart(5, "0")}-of-${String(shards).padStart(5, "0")}.safetensors`;
  const numbers = Array.from({ length: shards }, (_, index) => index + 1);
  const weightMap = Object.fromEntries(numbers.map((shard) => [`tensor.${shard}`, name(shard)]));
  return {
    "README.md": { bytes: Buffer.from("# a model\n"), lfs: false },
    "config.json": { bytes: Buffer.from('{"model_type": "flashsloth"}\n'), lfs: false },
    "vocab.json": { bytes: Buffer.from("{}\n"), lfs: false },
    "merges.txt": { bytes: Buffer.from("#version: 0.2\n"), lfs: false },
    "model.safetensors.index.json": {
      bytes: Buffer.from(JSON.stringify({ metadata: {}, weight_map: weightMap })),
      lfs: false,
    },
    ...Object.fromEntries(
      numbers.map((shard) => [name(shard), { bytes: noise(bytesEach, shard), lfs: true }]),
    ),
  };
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The demo's checkpoint with its weights in several shards, as the published ones are. It converts like the demo. */
export async function shardedDemo(shards: number): Promise<Record<string, ServedFile>> {
  return inShards(await demoRepository(), shards);
}

/** A repository whose one file of weights is cut into shards with an index. */
export function inShards(
  repository: Readonly<Record<string, ServedFile>>,
  shards: number,
): Record<string, ServedFile> {
  const { "model.safetensors": single, ...rest } = repository;
  const files: Record<string, ServedFile> = { ...rest };
  const bytes = Buffer.from(single?.bytes ?? []);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + headerLength).toString()) as Record<string, Entry>;
  const data = bytes.subarray(8 + headerLength);
  const tensors = Object.entries(header).filter(([name]) => name !== "__metadata__");
  const weightMap: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const file = `model-${String(shard + 1).padStart(5, "0")}-of-${String(shards).padStart(5, "0")}.safetensors`;
    const part: Record<string, Entry> = {};
    const pieces: Buffer[] = [];
    let offset = 0;
    for (const [name, entry] of tensors.filter((_, index) => index % shards === shard)) {
      const piece = data.subarray(...entry.data_offsets);
      part[name] = { ...entry, data_offsets: [offset, offset + piece.byteLength] };
      pieces.push(piece);
      offset += piece.byteLength;
      weightMap[name] = file;
    }
    const text = JSON.stringify(part);
    const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.byteLength));
    files[file] = { bytes: Buffer.concat([length, json, ...pieces]), lfs: true };
  }
  const index = JSON.stringify({ metadata: {}, weight_map: weightMap });
  files["model.safetensors.index.json"] = { bytes: Buffer.from(index), lfs: false };
  return files;
}

/** A folder's own files as a repository; large ones and those of weights are `lfs`, as the hub's tools upload them. */
export async function folderRepository(directory: string): Promise<Record<string, ServedFile>> {
  const files: Record<string, ServedFile> = {};
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(directory, entry.name));
    files[entry.name] = {
      bytes,
      lfs: bytes.byteLength > 10_000_000 || /\.(?:safetensors|gguf|onnx|data|f32)$/.test(entry.name),
    };
  }
  return files;
}
