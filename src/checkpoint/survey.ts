import { FlashSlothError } from "../core/errors.ts";
import type { FolderFiles } from "../core/files/folder-files.ts";
import { showBytes } from "../core/show-bytes.ts";
import type { StoredTensor } from "../formats/safetensors/file.ts";
import { openTensorFiles, type TensorFiles } from "../formats/safetensors/shards.ts";
import { readConfigFile, type ConfigFile } from "./config-file.ts";
import { resolveConfig, type ResolvedConfig } from "./config.ts";
import { CONFIG_FILE, VISION_TOWER_FILE } from "./file-names.ts";
import { listTensors, matchTensors, type TensorMatch } from "./match.ts";
import { HEAD, isVision, TOKEN_EMBEDDING } from "./names.ts";
import { invalidFile } from "./read-text.ts";
import { readTokenizer, type ReadTokenizer } from "./tokenizer.ts";
import { towerBeside, type OpenTower, type Tower } from "./tower.ts";

export interface SurveyOptions {
  readonly files: FolderFiles;
  /** Whether tensors that nobody knows are a problem; else they are left out. @default false */
  readonly strict?: boolean | undefined;
  /** Asked when the weights hold no vision tower. @default `vision_tower.safetensors` of the folder, if it is there */
  readonly openTower?: OpenTower | undefined;
}

/** All that can be said of a checkpoint without reading a weight. What could not be read is undefined, and among the problems. */
export interface CheckpointSurvey {
  /** Why it cannot be converted, the first one first; none when it can. */
  readonly problems: readonly FlashSlothError[];
  /** What is unusual and makes no difference, or is left out: sentences without paths. */
  readonly remarks: readonly string[];
  readonly configFile: ConfigFile | undefined;
  readonly resolved: ResolvedConfig | undefined;
  readonly tokenizer: ReadTokenizer | undefined;
  readonly weights: TensorFiles | undefined;
  /** Undefined when the weights hold the vision tower themselves, or there is none. */
  readonly tower: Tower | undefined;
  readonly match: TensorMatch | undefined;
  /** Raw little-endian bytes of a tensor of the computation. */
  read(name: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A survey under way. */
interface Found {
  readonly problems: FlashSlothError[];
  readonly remarks: string[];
  weights?: TensorFiles | undefined;
  tower?: Tower | undefined;
}

/**
 * Looks at a checkpoint: configuration, tokenizer, the headers of its weights, and where its vision tower is. Whatever may differ from
 * the published files and leaves the computation as it is, is survived with a remark.
 * @throws what is no fault of the checkpoint's: `network`, `access`, `disk`, …
 */
export async function surveyCheckpoint(options: SurveyOptions): Promise<CheckpointSurvey> {
  const found: Found = { problems: [], remarks: [] };
  try {
    return await survey(options, found);
  } catch (error) {
    await closeAll(found);
    throw error;
  }
}

async function survey(options: SurveyOptions, found: Found): Promise<CheckpointSurvey> {
  const { files, strict = false, openTower = async () => towerBeside(files) } = options;
  const { problems, remarks } = found;
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof FlashSlothError) || error.code !== "checkpoint-invalid") throw error;
      problems.push(error);
      return undefined;
    }
  };
  const configFile = await attempt(async () => readConfigFile(files));
  const vocabSize = configFile?.vocab_size ?? Infinity;
  const tokenizer = await attempt(async () => readTokenizer({ files, vocabSize }));
  found.weights = await attempt(async () => openTensorFiles({ files, except: [VISION_TOWER_FILE] }));
  const { weights } = found;
  remarks.push(...(tokenizer?.remarks ?? []), ...(weights?.remarks ?? []));
  if (configFile !== undefined) remarks.push(...remarksOn(configFile));

  const tied = weights === undefined ? new Map<string, string>() : tiedNames(configFile, weights, remarks);
  const stored = new Map<string, StoredTensor>(weights?.tensors);
  for (const [name, as] of tied) {
    const tensor = weights?.tensors.get(as);
    if (tensor !== undefined) stored.set(name, tensor);
  }
  const sees = weights === undefined || [...stored.keys()].some(isVision);
  if (!sees) {
    const named = configFile?.mm_vision_tower ?? undefined;
    const before = problems.length;
    found.tower = await attempt(async () => openTower(named));
    for (const [name, tensor] of found.tower?.tensors ?? []) stored.set(name, tensor);
    if (found.tower !== undefined) {
      remarks.push(`the vision tower is not among the weights: it is taken from ${found.tower.from}`);
    } else if (problems.length === before) {
      problems.push(withoutTower(files.name, named));
    }
  }
  const { tower } = found;
  const where = files.pathOf(CONFIG_FILE);
  let resolved: ResolvedConfig | undefined;
  let match: TensorMatch | undefined;
  if (configFile !== undefined && weights !== undefined && (sees || tower !== undefined)) {
    const shapes = new Map([...stored].map(([name, { shape }]) => [name, shape]));
    resolved = await attempt(async () => resolveConfig({ file: configFile, shapes, where }));
    if (resolved !== undefined) {
      match = matchTensors({ where: files.name, stored, resolved });
      problems.push(...match.problems);
      if (match.unknown.length > 0) judgeUnknown(match.unknown, strict, files.name, found);
    }
  }
  return {
    problems,
    remarks,
    configFile,
    resolved,
    tokenizer,
    weights,
    tower,
    match,
    async read(name) {
      if (tower?.tensors.has(name) === true) return tower.read(name);
      const from = weights ?? tower;
      if (from === undefined) throw invalidFile(files.name, "has no weights");
      return from.read(tied.get(name) ?? name);
    },
    close: async () => closeAll(found),
  };
}

async function closeAll({ weights, tower }: Found): Promise<void> {
  await weights?.close();
  await tower?.close();
}

/**
 * Names that stand for another tensor of the checkpoint. Where the configuration ties the output matrix to the embedding table,
 * transformers saves one of the two, and uses the table for both.
 */
function tiedNames(
  file: ConfigFile | undefined,
  { tensors }: TensorFiles,
  remarks: string[],
): Map<string, string> {
  const tied = new Map<string, string>();
  if (file?.tie_word_embeddings !== true) return tied;
  const output = `${HEAD}.weight`;
  if (tensors.has(TOKEN_EMBEDDING)) {
    tied.set(output, TOKEN_EMBEDDING);
    const other = tensors.has(output) ? `: the ${output} that is there is left out` : "";
    remarks.push(`${CONFIG_FILE} ties the output to the token embeddings${other}`);
  } else if (tensors.has(output)) {
    tied.set(TOKEN_EMBEDDING, output);
    remarks.push(`${CONFIG_FILE} ties the token embeddings to the output, which alone is there`);
  }
  return tied;
}

function remarksOn(file: ConfigFile): string[] {
  if (file.image_aspect_ratio !== "pad" || file.image_hd) return [];
  return [
    `${CONFIG_FILE}: image_aspect_ratio is "pad", and pictures are squashed all the same, as the published models' are`,
  ];
}

function withoutTower(where: string, named: string | undefined): FlashSlothError {
  const from = named === undefined ? "and no mm_vision_tower says where to find it" : `which is ${named}`;
  return new FlashSlothError("checkpoint-invalid", `${where} does not hold the vision tower, ${from}`, {
    hint: "give a folder that holds it with --vision-tower",
  });
}

function judgeUnknown(unknown: readonly StoredTensor[], strict: boolean, where: string, found: Found): void {
  const listed = listTensors(unknown);
  if (strict) {
    const are = unknown.length === 1 ? "is" : "are";
    found.problems.push(invalidFile(where, `tensor ${listed} ${are} no part of a FlashSloth`));
    return;
  }
  const bytes = showBytes(unknown.reduce((sum, { byteLength }) => sum + byteLength, 0));
  const what = unknown.length === 1 ? "1 tensor" : `${unknown.length} tensors`;
  found.remarks.push(`${what} (${bytes}) that no part of a FlashSloth needs, left out: ${listed}`);
}
