import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FileSink } from "../../src/core/files/bytes.ts";
import { elementCount, type Shape } from "../../src/core/model/shape.ts";
import { outlierFactors } from "./outliers.ts";
import { syntheticHalves } from "./values.ts";

/** Elements held in memory at a time while a tensor is written: 8 MiB of float16. */
const CHUNK = 4 * 1024 * 1024;

export type TensorShapes = ReadonlyMap<string, Shape>;

/** A safetensors header for float16 tensors laid out in the map's order: 8 bytes of length, JSON, padded to 8 bytes. */
export function safetensorsHeader(tensors: TensorShapes): Uint8Array {
  const entries: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let offset = 0;
  for (const [name, shape] of tensors) {
    const end = offset + 2 * elementCount(shape);
    entries[name] = { dtype: "F16", shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(entries), "utf8");
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const header = Buffer.alloc(8 + padded, " ");
  header.writeBigUInt64LE(BigInt(padded), 0);
  json.copy(header, 8);
  return header;
}

/** What is in the files, and who is told of it. */
export interface TensorOptions {
  /** Channels of the vision encoder that stick out, see `outlierFactors`. @default false */
  readonly outliers?: boolean | undefined;
  /** Told the bytes of each piece written. @default nothing */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Writes one safetensors file of synthetic float16 tensors, a few megabytes in memory at a time. */
export async function writeSafetensors(
  path: string,
  tensors: TensorShapes,
  { outliers = false, onBytes }: TensorOptions = {},
): Promise<void> {
  await FileSink.fill(`${path}.partial`, async (sink) => {
    await sink.write(safetensorsHeader(tensors));
    for (const [name, shape] of tensors) {
      const count = elementCount(shape);
      const rows = outliers ? outlierFactors(name, shape) : undefined;
      for (let first = 0; first < count; first += CHUNK) {
        const halves = syntheticHalves(name, shape, first, Math.min(CHUNK, count - first), rows);
        await sink.write(new Uint8Array(halves.buffer));
        onBytes?.(halves.byteLength);
      }
    }
  });
  await rename(`${path}.partial`, path);
}

/** Splits tensors, in order, into groups of at most `shardBytes` (a larger tensor stands alone), as the hub's tools do. */
export function splitIntoShards(tensors: TensorShapes, shardBytes: number): Map<string, Shape>[] {
  const shards: Map<string, Shape>[] = [];
  let shard = new Map<string, Shape>();
  let used = 0;
  for (const [name, shape] of tensors) {
    const size = 2 * elementCount(shape);
    if (shard.size > 0 && used + size > shardBytes) {
      shards.push(shard);
      shard = new Map();
      used = 0;
    }
    shard.set(name, shape);
    used += size;
  }
  shards.push(shard);
  return shards;
}

export interface WriteTensorsOptions extends TensorOptions {
  readonly directory: string;
  readonly tensors: TensorShapes;
  /** Largest size of one file in bytes; more than one file gets an index. @default one file */
  readonly shardBytes?: number | undefined;
}

/** Writes `model.safetensors`, or shards `model-00001-of-0000N.safetensors` and `model.safetensors.index.json`. */
export async function writeTensors(options: WriteTensorsOptions): Promise<void> {
  const { directory, tensors, shardBytes = Infinity, ...rest } = options;
  await mkdir(directory, { recursive: true });
  const shards = splitIntoShards(tensors, shardBytes);
  const [only] = shards;
  if (shards.length === 1 && only !== undefined) {
    await writeSafetensors(join(directory, "model.safetensors"), only, rest);
    return;
  }
  const weightMap: Record<string, string> = {};
  let total = 0;
  for (const [index, shard] of shards.entries()) {
    const number = String(index + 1).padStart(5, "0");
    const file = `model-${number}-of-${String(shards.length).padStart(5, "0")}.safetensors`;
    await writeSafetensors(join(directory, file), shard, rest);
    for (const [name, shape] of shard) {
      weightMap[name] = file;
      total += 2 * elementCount(shape);
    }
  }
  const index = { metadata: { total_size: total }, weight_map: weightMap };
  await writeFile(
    join(directory, "model.safetensors.index.json"),
    `${JSON.stringify(index, undefined, 2)}\n`,
  );
}
