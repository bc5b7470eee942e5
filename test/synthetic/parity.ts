import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { PROJECT_ROOT } from "../project-root.ts";
import { writeTensors, type TensorShapes } from "./safetensors.ts";

/** Where the goldens and their tokenizer lie. */
export const PARITY_FIXTURES: string = join(PROJECT_ROOT, "test", "fixtures", "parity");

const goldenSchema = v.object({
  config: v.record(v.string(), v.unknown()),
  tensors: v.record(v.string(), v.array(v.number())),
});

export interface ParityOptions {
  /** The golden whose weights are wanted: 81 or 405 visual tokens. */
  readonly golden: "base" | "hd";
  /** Created if it does not exist. */
  readonly directory: string;
  /** Largest size of one file in bytes. @default one file */
  readonly shardBytes?: number | undefined;
}

/** The shape of every tensor of a parity checkpoint, in the order the golden lists them. */
export async function parityTensors(
  golden: "base" | "hd",
): Promise<{ config: Record<string, unknown>; tensors: TensorShapes }> {
  const text = await readFile(join(PARITY_FIXTURES, `${golden}.json`), "utf8");
  const { config, tensors } = v.parse(goldenSchema, JSON.parse(text));
  return { config, tensors: new Map(Object.entries(tensors)) };
}

/** Copies the files of the real tokenizer (GPT-2's vocabulary, Phi-2's added tokens) into a checkpoint. */
export async function copyTokenizer(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await cp(join(PARITY_FIXTURES, "tokenizer"), directory, { recursive: true });
}

/** Writes the checkpoint that the parity goldens were computed on, in the hub's layout. About 70 MB, about a second. */
export async function writeParityCheckpoint(options: ParityOptions): Promise<void> {
  const { config, tensors } = await parityTensors(options.golden);
  await copyTokenizer(options.directory);
  await writeFile(join(options.directory, "config.json"), `${JSON.stringify(config, undefined, 2)}\n`);
  await writeTensors({ directory: options.directory, tensors, shardBytes: options.shardBytes });
}
