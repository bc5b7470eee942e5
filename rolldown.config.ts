import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig, type ChunkingContext, type RolldownOptions } from "rolldown";
import { writeManPage } from "./packaging/man.ts";
import { writeNotices } from "./packaging/notices.ts";
import { bringOnnxRuntime } from "./packaging/onnxruntime.ts";

/** What finds its native libraries beside its own files, or is large and rarely loaded. */
const APART = ["koffi", "libheif-js", "sixel", "undici"];

/** What somebody waits for, by the module that starts it: any command, `ask`, the engine's thread, llama.cpp's own process. */
const STARTS = {
  core: "src/cli/main.ts",
  ask: "src/cli/ask.ts",
  worker: "src/engine/worker.ts",
  native: "src/language/apart-process.ts",
};

const reached = new Map<string, ReadonlySet<string>>();

/** Every module that runs when `start` is imported, itself included; a package that stays apart is one. */
function reach(start: string, context: ChunkingContext): ReadonlySet<string> {
  const known = reached.get(start);
  if (known !== undefined) return known;
  const found = new Set([start]);
  if (context.getModuleInfo(start) === null) throw new Error(`no module is called ${start}`);
  for (const id of found) for (const next of context.getModuleInfo(id)?.importedIds ?? []) found.add(next);
  reached.set(start, found);
  return found;
}

function isApart(id: string): boolean {
  return APART.some((name) => id === name || id.startsWith(`${name}/`));
}

/**
 * A file runs whole when any of its modules is imported, so what is joined is what the same starts need and what loads the same
 * packages: `core` for any command, `shared-ask-worker` for what only `ask` and the engine's thread have in common,
 * `shared-worker-koffi` for what cannot be imported without koffi. It follows from the imports alone: a module that moves, or a
 * new folder, changes nothing here. Whoever needs a module needs all that this one imports, so no two files import each other.
 */
function chunkOf(id: string, context: ChunkingContext): string | null {
  const starts = Object.entries(STARTS).filter(([, start]) => reach(resolve(start), context).has(id));
  const names = starts.map(([name]) => name);
  if (names.length === 0) return null;
  if (names.includes("core")) return "core";
  // llama.cpp's own process loads koffi whatever it does
  const packages = names.includes("native") ? [] : [...reach(id, context)].filter(isApart).toSorted();
  return ["shared", ...names, ...packages].join("-");
}

/**
 * `src/` and the small libraries it uses, joined into a few files: each module that Node looks up and compiles by itself
 * costs a millisecond of every start. What is imported dynamically stays in files of its own.
 */
const program: RolldownOptions = defineConfig({
  input: {
    flashsloth: "src/cli/main.ts",
    index: "src/index.ts",
    worker: "src/engine/worker.ts",
    "heic-worker": "src/image/heic/heic-worker.ts",
    "parquet-worker": "src/eval/data/parquet-worker.ts",
    "load-thread": "src/language/ffi/load-thread.ts",
    "apart-process": "src/language/apart-process.ts",
  },
  platform: "node",
  logLevel: "silent",
  external: isApart,
  plugins: [
    {
      name: "sharp finds its library where its own files are",
      transform(code, id) {
        if (!/[/\\]sharp[/\\]dist[/\\]/.test(id)) return null;
        return code.replace(
          "createRequire(import.meta.url)",
          'createRequire(createRequire(import.meta.url).resolve("sharp"))',
        );
      },
    },
    writeNotices(),
    bringOnnxRuntime(),
    writeManPage(),
  ],
  output: {
    dir: "dist/lib",
    cleanDir: true,
    chunkFileNames: "[name].js",
    sourcemap: true,
    // what only one entry or dynamic import leads to is joined with it anyway
    codeSplitting: { groups: [{ name: chunkOf, minShareCount: 2 }], includeDependenciesRecursively: false },
  },
});

const PAGE = "src/serve/page/client";

/** The page of `serve`, for a browser: its script in one file, beside its other files. */
const page: RolldownOptions = defineConfig({
  input: { page: `${PAGE}/main.ts` },
  platform: "browser",
  logLevel: "silent",
  plugins: [
    {
      name: "the page's files that need no building",
      generateBundle() {
        for (const fileName of ["index.html", "page.css", "page.svg"]) {
          this.emitFile({ type: "asset", fileName, source: readFileSync(`${PAGE}/${fileName}`) });
        }
      },
    },
  ],
  output: { dir: "dist/page", cleanDir: true, minify: true },
});

const builds: RolldownOptions[] = [program, page];

export default builds;
