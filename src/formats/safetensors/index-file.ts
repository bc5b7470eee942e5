import { isJsonObject } from "./entry.ts";
import { invalid } from "./header.ts";
import { MAX_SHARDS, showName } from "./limits.ts";

/** A shard's name: inside the checkpoint's own folder and nowhere else. */
const SHARD_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*\.safetensors$/;

/**
 * The `weight_map` of a shard index: tensor name -> shard file.
 * @throws `checkpoint-invalid` naming the index and what is wrong with it
 */
export function parseIndex(text: string, file: string): ReadonlyMap<string, string> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(file, "not JSON", error);
  }
  if (!isJsonObject(json) || !isJsonObject(json["weight_map"])) throw invalid(file, "has no weight_map");
  const map = new Map<string, string>();
  for (const [tensor, shard] of Object.entries(json["weight_map"])) {
    if (typeof shard !== "string" || !SHARD_NAME.test(shard)) {
      const shown = typeof shard === "string" ? showName(shard) : typeof shard;
      throw invalid(
        file,
        `tensor ${showName(tensor)} is said to be in ${shown}, no shard's name in this folder`,
      );
    }
    map.set(tensor, shard);
  }
  if (map.size === 0) throw invalid(file, "weight_map is empty");
  const shards = new Set(map.values()).size;
  if (shards > MAX_SHARDS) throw invalid(file, `${shards} shards, more than the ${MAX_SHARDS} allowed`);
  return map;
}
