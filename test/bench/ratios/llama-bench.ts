import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { besideOurLibraries } from "../llama/build.ts";

const run = promisify(execFile);
const TIMEOUT_MS = 600_000;

export interface LlamaBenchOptions {
  readonly binary: string;
  readonly model: string;
  readonly threads: number;
  /** positions of one prefill, or generated tokens; the other is 0 */
  readonly prompt: number;
  readonly generate: number;
  /** positions that are in the cache before */
  readonly depth: number;
  readonly repeats: number;
}

/** Tokens a second of each repetition, after llama-bench's own warm-up. */
export async function llamaBench(options: LlamaBenchOptions): Promise<readonly number[]> {
  const { binary, model, threads, prompt, generate, depth, repeats } = options;
  const sizes = ["-t", threads, "-p", prompt, "-n", generate, "-d", depth];
  const numbers = [...sizes, "-r", repeats, "-ngl", 0].map(String);
  const settings = { ...(await besideOurLibraries()), timeout: TIMEOUT_MS };
  const { stdout } = await run(binary, ["-m", model, ...numbers, "-o", "json"], settings);
  const [result] = JSON.parse(stdout) as { samples_ts: number[] }[];
  if (result === undefined) throw new Error("llama-bench measured nothing");
  return result.samples_ts;
}

export interface BatchedBenchOptions {
  readonly binary: string;
  readonly model: string;
  readonly threads: number;
  /** positions of each sequence's prompt, and tokens that each generates */
  readonly prompt: number;
  readonly generate: number;
  readonly sequences: number;
}

/** Tokens a second of all sequences together while they generate, as llama-batched-bench measures it once. */
export async function llamaBatchedBench(options: BatchedBenchOptions): Promise<number> {
  const { binary, model, threads, prompt, generate, sequences } = options;
  const cells = Math.max(2048, sequences * (prompt + generate));
  const sizes = ["-npp", prompt, "-ntg", generate, "-npl", sequences, "-c", cells, "-t", threads];
  const numbers = [...sizes, "-ngl", 0, "-fa", "on", "-kvu"].map(String);
  const settings = { ...(await besideOurLibraries()), timeout: TIMEOUT_MS };
  const { stdout } = await run(binary, ["-m", model, ...numbers, "--output-format", "jsonl"], settings);
  const line = stdout.split("\n").find((text) => text.startsWith("{"));
  if (line === undefined) throw new Error("llama-batched-bench measured nothing");
  return (JSON.parse(line) as { speed_tg: number }).speed_tg;
}
