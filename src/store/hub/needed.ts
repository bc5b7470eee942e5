import {
  ADDED_TOKENS_FILE,
  CONFIG_FILE,
  MERGES_FILE,
  VOCAB_FILE,
  WHOLE_TOKENIZER_FILE,
} from "../../checkpoint/file-names.ts";
import { FlashSlothError, messageOf } from "../../core/errors.ts";
import { parseIndex } from "../../formats/safetensors/index-file.ts";
import { INDEX_FILE, SINGLE_FILE } from "../../formats/safetensors/shards.ts";
import type { HubFile } from "./listing.ts";

/** Read if they are there; what a conversion cannot do without, it asks for by name. */
const TOKENIZER_FILES = [
  WHOLE_TOKENIZER_FILE,
  VOCAB_FILE,
  MERGES_FILE,
  ADDED_TOKENS_FILE,
  "tokenizer_config.json",
  "special_tokens_map.json",
];

function notACheckpoint(repo: string, why: string, cause?: unknown): FlashSlothError {
  return new FlashSlothError("checkpoint-invalid", `${repo} holds no FlashSloth checkpoint: ${why}`, {
    cause,
    hint: "FlashSloth's own repositories are Tongbo/FlashSloth-3.2B and Tongbo/FlashSloth_HD-3.2B",
  });
}

/** config.json, the tokenizer, and the index of the weights: what is fetched first. */
export function describingFiles(repo: string, files: readonly HubFile[]): HubFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const config = byPath.get(CONFIG_FILE);
  if (config === undefined) throw notACheckpoint(repo, `no ${CONFIG_FILE}`);
  return [config, ...[...TOKENIZER_FILES, INDEX_FILE].flatMap((path) => byPath.get(path) ?? [])];
}

/**
 * The weights' files. `index` is the text of `INDEX_FILE`, or undefined when the repository has none.
 * @throws `checkpoint-invalid` when a file that is needed is not listed
 */
export function weightFiles(repo: string, files: readonly HubFile[], index: string | undefined): HubFile[] {
  const names = index === undefined ? [SINGLE_FILE] : shardNames(repo, index);
  return names.map((name) => {
    const file = files.find((listed) => listed.path === name);
    if (file === undefined) throw notACheckpoint(repo, `no ${name}`);
    return file;
  });
}

function shardNames(repo: string, index: string): string[] {
  try {
    return [...new Set(parseIndex(index, INDEX_FILE).values())].sort();
  } catch (error) {
    throw notACheckpoint(repo, messageOf(error), error);
  }
}
