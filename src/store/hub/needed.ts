import {
  ADDED_TOKENS_FILE,
  CONFIG_FILE,
  MERGES_FILE,
  SPECIAL_TOKENS_FILE,
  TOKENIZER_CONFIG_FILE,
  VISION_TOWER_FILE,
  VOCAB_FILE,
  WHOLE_TOKENIZER_FILE,
} from "../../checkpoint/file-names.ts";
import { FlashSlothError } from "../../core/errors.ts";
import { CARD_FILE } from "../../core/model/manifest.ts";
import { chooseWeightFiles, INDEX_FILE } from "../../formats/safetensors/weight-files.ts";
import type { HubFile } from "./listing.ts";

/** Read if they are there; what a conversion cannot do without, it asks for by name. */
const TOKENIZER_FILES = [
  WHOLE_TOKENIZER_FILE,
  VOCAB_FILE,
  MERGES_FILE,
  ADDED_TOKENS_FILE,
  TOKENIZER_CONFIG_FILE,
  SPECIAL_TOKENS_FILE,
];

function notACheckpoint(repo: string, why: string, cause?: unknown): FlashSlothError {
  return new FlashSlothError("checkpoint-invalid", `${repo} holds no FlashSloth checkpoint: ${why}`, {
    cause,
    hint: "FlashSloth's own repositories are Tongbo/FlashSloth-3.2B and Tongbo/FlashSloth_HD-3.2B",
  });
}

/** Names of the files at a repository's root, where a checkpoint's are. */
export function rootNames(files: readonly HubFile[]): string[] {
  return files.map(({ path }) => path).filter((path) => !path.includes("/"));
}

/** A model card states the licence; a longer one is none. */
const MAX_CARD_BYTES = 1024 * 1024;

/** config.json, the tokenizer, the index of the weights, and the model card: what is fetched first. */
export function describingFiles(repo: string, files: readonly HubFile[]): HubFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const config = byPath.get(CONFIG_FILE);
  if (config === undefined) throw notACheckpoint(repo, `no ${CONFIG_FILE}`);
  const card = files.filter(({ path, size }) => path === CARD_FILE && size <= MAX_CARD_BYTES);
  return [config, ...[...TOKENIZER_FILES, INDEX_FILE].flatMap((path) => byPath.get(path) ?? []), ...card];
}

/**
 * The weights' files, and that of the vision tower where a checkpoint was kept without one of its own.
 * @param readIndex gives the text of `INDEX_FILE`
 * @throws `checkpoint-invalid` when there are none, or not all
 */
export async function weightFiles(
  repo: string,
  files: readonly HubFile[],
  readIndex: () => Promise<string>,
): Promise<HubFile[]> {
  const names = rootNames(files);
  const own = names.filter((name) => name !== VISION_TOWER_FILE);
  const chosen = await chooseWeightFiles({ names: own, where: repo, readIndex });
  const tower = names.length === own.length ? [] : [VISION_TOWER_FILE];
  return [...chosen.names, ...tower].flatMap((name) => files.find(({ path }) => path === name) ?? []);
}
