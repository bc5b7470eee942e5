import * as v from "valibot";
import { FlashSlothError } from "../../core/errors.ts";
import type { HubFile } from "./listing.ts";

export const WEIGHTS_INDEX = "model.safetensors.index.json" as const;
const SINGLE_WEIGHTS = "model.safetensors";
/** Read if they are there; what a conversion cannot do without, it asks for by name. */
const TOKENIZER_FILES = [
  "tokenizer.json",
  "vocab.json",
  "merges.txt",
  "added_tokens.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
];
/** A shard's name out of an index is a plain file's name: it never points elsewhere. */
const SHARD = /^[A-Za-z0-9][A-Za-z0-9._-]*\.safetensors$/;

const indexSchema = v.object({ weight_map: v.record(v.string(), v.pipe(v.string(), v.regex(SHARD))) });

function notACheckpoint(repo: string, why: string): FlashSlothError {
  return new FlashSlothError("checkpoint-invalid", `${repo} holds no FlashSloth checkpoint: ${why}`, {
    hint: "FlashSloth's own repositories are Tongbo/FlashSloth-3.2B and Tongbo/FlashSloth_HD-3.2B",
  });
}

/** config.json, the tokenizer, and the index of the weights: what is fetched first. */
export function describingFiles(repo: string, files: readonly HubFile[]): HubFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const config = byPath.get("config.json");
  if (config === undefined) throw notACheckpoint(repo, "no config.json");
  return [config, ...[...TOKENIZER_FILES, WEIGHTS_INDEX].flatMap((path) => byPath.get(path) ?? [])];
}

/**
 * The weights' files. `index` is the text of `WEIGHTS_INDEX`, or undefined when the repository has none.
 * @throws `checkpoint-invalid` when a file that is needed is not listed
 */
export function weightFiles(repo: string, files: readonly HubFile[], index: string | undefined): HubFile[] {
  const names = index === undefined ? [SINGLE_WEIGHTS] : shardNames(repo, index);
  return names.map((name) => {
    const file = files.find((listed) => listed.path === name);
    if (file === undefined) throw notACheckpoint(repo, `no ${name}`);
    return file;
  });
}

function shardNames(repo: string, index: string): string[] {
  let json: unknown;
  try {
    json = JSON.parse(index);
  } catch {
    throw notACheckpoint(repo, `${WEIGHTS_INDEX} is not JSON`);
  }
  const parsed = v.safeParse(indexSchema, json);
  if (!parsed.success) throw notACheckpoint(repo, `${WEIGHTS_INDEX} names no shards`);
  return [...new Set(Object.values(parsed.output.weight_map))].sort();
}
