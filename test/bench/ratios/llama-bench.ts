import { execFile } from "node:child_process";
import { access, mkdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { locateNative } from "../../../src/language/ffi/locate.ts";

const run = promisify(execFile);
const BUILD_MINUTES = 10;

/** llama.cpp's own benchmarks, by the folder of their source. */
type Tool = "llama-bench" | "batched-bench";

/**
 * One of llama.cpp's own benchmarks, compiled from the source that node-llama-cpp carries and linked against the very libraries
 * that it ships and we load: kernels and release are the same, byte for byte. Needs git and a C++ compiler.
 * @param folder keeps the build for the next time
 */
export async function buildLlamaBench(folder: string, name: Tool = "llama-bench"): Promise<string> {
  const { directory, llama, ggml, ggmlBase } = await locateNative("cpu");
  const package_ = dirname(dirname(createRequire(import.meta.url).resolve("node-llama-cpp")));
  const bundle = join(package_, "llama", "gitRelease.bundle");
  const info = await readFile(join(package_, "llama", "llama.cpp.info.json"), "utf8");
  const { tag } = JSON.parse(info) as { tag: string };
  const home = join(folder, `${name}-${tag}`);
  const binary = join(home, name);
  if (
    await access(binary).then(
      () => true,
      () => false,
    )
  )
    return binary;

  await rm(home, { recursive: true, force: true });
  await mkdir(home, { recursive: true });
  const source = join(home, "source");
  const timeout = BUILD_MINUTES * 60_000;
  await run("git", ["clone", "--quiet", "--depth", "1", bundle, source], { timeout });
  const tool = join(source, "tools", name);
  await run(
    "c++",
    [
      "-O2",
      "-DNDEBUG",
      "-std=c++17",
      ...["include", "ggml/include", "common", "vendor"].map((path) => `-I${join(source, path)}`),
      ...["main.cpp", `${name}.cpp`].map((file) => join(tool, file)),
      "-o",
      binary,
      join(directory, "libllama-common.so"),
      llama,
      ggml,
      ggmlBase,
      `-Wl,-rpath-link,${directory}`,
      "-lpthread",
      "-ldl",
    ],
    { timeout },
  );
  return binary;
}

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
  const settings = await besideOurLibraries();
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
  const settings = await besideOurLibraries();
  const { stdout } = await run(binary, ["-m", model, ...numbers, "--output-format", "jsonl"], settings);
  const line = stdout.split("\n").find((text) => text.startsWith("{"));
  if (line === undefined) throw new Error("llama-batched-bench measured nothing");
  return (JSON.parse(line) as { speed_tg: number }).speed_tg;
}

/** How a benchmark finds the libraries that we load, wherever they lay when it was built. */
async function besideOurLibraries(): Promise<{ cwd: string; env: NodeJS.ProcessEnv; timeout: number }> {
  const { directory } = await locateNative("cpu");
  // ggml looks for its CPU variants in the working directory
  return { cwd: directory, env: { ...process.env, LD_LIBRARY_PATH: directory }, timeout: 600_000 };
}
