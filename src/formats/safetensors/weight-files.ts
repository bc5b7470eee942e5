import { FlashSlothError } from "../../core/errors.ts";
import { parseIndex } from "./index-file.ts";
import { showName } from "./limits.ts";

export const SINGLE_FILE = "model.safetensors";
export const INDEX_FILE = "model.safetensors.index.json";

const SUFFIX = ".safetensors";
/** A shard as the hub's tools name it: `model-00001-of-00002.safetensors`. */
const SHARD = /^(?<stem>.+)-(?<number>\d{5})-of-(?<count>\d{5})\.safetensors$/;
/** Weights as Python pickles, the format before safetensors. */
const PICKLE = /^pytorch_model(?:-\d{5}-of-\d{5})?\.(?:bin|pth|pt)$/;
export function isPickle(name: string): boolean {
  return PICKLE.test(name);
}

/** What a training leaves that changed only parts of a model. */
const PARTS_ONLY = [
  "adapter_model.safetensors",
  "adapter_model.bin",
  "non_lora_trainables.bin",
  "mm_projector.bin",
];

/** Which files of a folder hold its weights. */
export interface WeightFiles {
  readonly names: readonly string[];
  /** Tensor -> file, where an index says so. */
  readonly index: ReadonlyMap<string, string> | undefined;
  /** What is unusual, as sentences. */
  readonly remarks: readonly string[];
}

export interface ChooseWeightFilesOptions {
  /** Names of all the folder's files. */
  readonly names: readonly string[];
  /** What messages call the folder. */
  readonly where: string;
  /** The text of `INDEX_FILE`; asked for only when it counts. */
  readonly readIndex: () => Promise<string>;
}

/**
 * Finds the weights as transformers' `from_pretrained` does: one file, else an index with its shards; and where it would give up,
 * whole sets of shards without an index, or the only safetensors file there is.
 * @throws `checkpoint-invalid` when there are none, or not all
 */
export async function chooseWeightFiles(options: ChooseWeightFilesOptions): Promise<WeightFiles> {
  const { names, where, readIndex } = options;
  const there = new Set(names);
  if (there.has(SINGLE_FILE)) {
    const remarks = there.has(INDEX_FILE) ? [`${INDEX_FILE} is not followed: ${SINGLE_FILE} is there`] : [];
    return { names: [SINGLE_FILE], index: undefined, remarks };
  }
  if (there.has(INDEX_FILE)) {
    const index = parseIndex(await readIndex(), `${where}/${INDEX_FILE}`);
    const shards = [...new Set(index.values())].sort();
    const lost = shards.filter((shard) => !there.has(shard));
    if (lost.length > 0) throw incomplete(where, lost, `named by ${INDEX_FILE} and missing`);
    return { names: shards, index, remarks: [] };
  }
  const shards = shardSet(names, where);
  if (shards !== undefined) {
    return {
      names: shards,
      index: undefined,
      remarks: [`no ${INDEX_FILE}: all ${shards.length} shards are read`],
    };
  }
  const others = names.filter((name) => name.endsWith(SUFFIX) && !PARTS_ONLY.includes(name));
  const [only] = others;
  if (only !== undefined && others.length === 1) {
    return {
      names: [only],
      index: undefined,
      remarks: [`no ${SINGLE_FILE}: the weights are taken from ${only}`],
    };
  }
  throw noWeights(names, where, others);
}

/** The one set of numbered shards in a folder, in order; undefined when there is none. */
function shardSet(names: readonly string[], where: string): string[] | undefined {
  const sets = new Map<string, Map<number, string>>();
  for (const name of names) {
    const groups = SHARD.exec(name)?.groups;
    if (groups === undefined) continue;
    const key = `${groups["stem"]}-of-${groups["count"]}`;
    const set = sets.get(key) ?? new Map<number, string>();
    sets.set(key, set.set(Number(groups["number"]), name));
  }
  const [first, second] = sets;
  if (first === undefined) return undefined;
  const [key, set] = first;
  if (second !== undefined) {
    throw refusal(
      `${where} holds two sets of weights, and no ${INDEX_FILE} says which: ${key} and ${second[0]}`,
    );
  }
  const count = Number(key.slice(-5));
  for (let number = 1; number <= count; number++) {
    if (!set.has(number)) throw refusal(`${where}: shard ${number} of ${count} is missing`);
  }
  if (set.size !== count) throw refusal(`${where} holds shards beyond the ${count} that their names count`);
  return [...set].sort(([a], [b]) => a - b).map(([, name]) => name);
}

function incomplete(where: string, lost: readonly string[], what: string): FlashSlothError {
  const others = lost.length > 1 ? ` and ${lost.length - 1} more are` : " is";
  return refusal(`${where}: ${showName(lost[0] ?? "")}${others} ${what}`);
}

function noWeights(names: readonly string[], where: string, others: readonly string[]): FlashSlothError {
  if (others.length > 0) {
    return refusal(
      `${where} holds ${others.length} safetensors files, and neither ${SINGLE_FILE} nor ${INDEX_FILE}`,
    );
  }
  const pickle = names.find(isPickle);
  if (pickle !== undefined) {
    return new FlashSlothError(
      "checkpoint-invalid",
      `${where} has its weights only as ${pickle}: a Python pickle, which is a program to be run, and flashsloth runs none`,
      {
        hint: "save it again in Python with `model.save_pretrained(DIR, safe_serialization=True)`, or let https://huggingface.co/spaces/safetensors/convert do it",
      },
    );
  }
  const part = PARTS_ONLY.find((name) => names.includes(name));
  if (part !== undefined) {
    return new FlashSlothError(
      "checkpoint-invalid",
      `${where} holds only the changed parts of a model (${part})`,
      {
        hint: "merge them into their base model and save that",
      },
    );
  }
  return new FlashSlothError(
    "checkpoint-invalid",
    `${where} holds neither ${SINGLE_FILE} nor ${INDEX_FILE}`,
    {
      hint: "a checkpoint's folder holds config.json, its tokenizer and its safetensors files",
    },
  );
}

function refusal(message: string): FlashSlothError {
  return new FlashSlothError("checkpoint-invalid", message, {
    hint: "the folder is incomplete: fetch it again, or ask its owner",
  });
}
