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
