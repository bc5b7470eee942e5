import { execFile } from "node:child_process";
import { access, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism, homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { locateNative } from "../../../src/language/ffi/locate.ts";

const run = promisify(execFile);
const BUILD_MINUTES = 20;

/** llama.cpp's own programs that we measure against, by the folder of their source. */
export type LlamaTool = "llama-bench" | "batched-bench" | "mtmd";

/** What a program is made of, below the source's root. */
const SOURCES: Readonly<Record<LlamaTool, (source: string) => Promise<string[]>>> = {
  "llama-bench": async () => ["main.cpp", "llama-bench.cpp"].map((file) => join("tools/llama-bench", file)),
  "batched-bench": async () =>
    ["main.cpp", "batched-bench.cpp"].map((file) => join("tools/batched-bench", file)),
  mtmd: async (source) => [
    ...(await sourcesIn(source, "tools/mtmd")).filter((file) => !file.endsWith("deprecation-warning.cpp")),
    ...(await sourcesIn(source, "tools/mtmd/models")),
    ...["hash.cpp", "xxhash/xxhash.c", "sha1/sha1.c", "sha256/sha256.c"].map((file) =>
      join("vendor/hash", file),
    ),
  ],
};

const INCLUDED = ["include", "ggml/include", "common", "vendor", "vendor/hash", "tools/mtmd"];

/** Where builds, and what else is large and can be made again, are kept for the next time. */
export function benchCache(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "flashsloth-bench");
}

/**
 * One of llama.cpp's own programs, compiled from the source that node-llama-cpp carries and linked against the very libraries
 * that it ships and we load: kernels and release are the same, byte for byte. Needs git and a C++ compiler.
 * @returns the program's file
 */
export async function buildLlamaTool(name: LlamaTool): Promise<string> {
  const { directory, llama, ggml, ggmlBase } = await locateNative("cpu");
  const package_ = dirname(dirname(createRequire(import.meta.url).resolve("node-llama-cpp")));
  const bundle = join(package_, "llama", "gitRelease.bundle");
  const info = await readFile(join(package_, "llama", "llama.cpp.info.json"), "utf8");
  const { tag } = JSON.parse(info) as { tag: string };
  const home = join(benchCache(), `${name}-${tag}`);
  const binary = join(home, name);
  if (await exists(binary)) return binary;

  await rm(home, { recursive: true, force: true });
  await mkdir(home, { recursive: true });
  const source = join(home, "source");
  const timeout = BUILD_MINUTES * 60_000;
  await run("git", ["clone", "--quiet", "--depth", "1", bundle, source], { timeout });
  const objects = await compile(source, await SOURCES[name](source));
  const libraries = [join(directory, "libllama-common.so"), llama, ggml, ggmlBase];
  const linked = [...objects, ...libraries, `-Wl,-rpath-link,${directory}`, "-lpthread", "-ldl"];
  await run("c++", [...linked, "-o", `${binary}.partial`], { timeout });
  await rename(`${binary}.partial`, binary);
  return binary;
}

/** How such a program has to be started to find the libraries that we load. */
export async function besideOurLibraries(): Promise<{ cwd: string; env: NodeJS.ProcessEnv }> {
  const { directory } = await locateNative("cpu");
  // ggml looks for its CPU variants in the working directory
  return { cwd: directory, env: { ...process.env, LD_LIBRARY_PATH: directory } };
}

/** As many files at a time as there are processors. @returns the object files */
async function compile(source: string, files: readonly string[]): Promise<string[]> {
  const timeout = BUILD_MINUTES * 60_000;
  const common = ["-O2", "-DNDEBUG", "-w", ...INCLUDED.map((path) => `-I${join(source, path)}`)];
  const waiting = [...files.entries()];
  const objects: string[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, file] = next;
      const object = join(source, `${index}-${basename(file)}.o`);
      objects.push(object);
      // llama.cpp compiles sha1.c as C++ too: its names are in a namespace
      const isC = file.endsWith(".c") && basename(file) !== "sha1.c";
      const language = isC ? ["cc"] : ["c++", "-std=c++17", "-x", "c++"];
      const [compiler = "", ...flags] = language;
      await run(compiler, [...flags, ...common, "-c", join(source, file), "-o", object], { timeout });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return objects;
}

async function sourcesIn(source: string, folder: string): Promise<string[]> {
  const names = (await readdir(join(source, folder))).filter((name) => name.endsWith(".cpp"));
  return names.toSorted().map((name) => join(folder, name));
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
