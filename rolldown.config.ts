import { defineConfig, type RolldownOptions } from "rolldown";

/** What finds its native libraries beside its own files, or is large and rarely loaded. */
const APART = ["koffi", "node-llama-cpp", "onnxruntime-node", "undici"];

/**
 * `src/` and the small libraries it uses, joined into a few files: each module that Node looks up and compiles by itself
 * costs a millisecond of every start. What is imported dynamically stays in files of its own.
 */
const config: RolldownOptions = defineConfig({
  input: {
    flashsloth: "src/cli/main.ts",
    index: "src/index.ts",
    worker: "src/engine/worker.ts",
    "load-thread": "src/language/ffi/load-thread.ts",
    "apart-process": "src/language/apart-process.ts",
  },
  platform: "node",
  logLevel: "silent",
  external: (id) => APART.some((name) => id === name || id.startsWith(`${name}/`)),
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
  ],
  output: {
    dir: "dist/lib",
    cleanDir: true,
    chunkFileNames: "[name].js",
    sourcemap: true,
    codeSplitting: {
      // Only what is imported together is joined: a joined module runs when any of its file does.
      groups: [
        {
          name: "core",
          test: /\/src\/(core\/(default-model|device|errors|version|variant)|engine\/protocol|onnxruntime\/telemetry|cli\/(exit|text))\.ts$/,
        },
        { name: "manifest", test: /\/src\/core\/(manifest|dtype|bytes|shape|lock)\.ts$|\/valibot\// },
        { name: "image", test: /\/src\/image\// },
        { name: "sharp", test: /\/node_modules\/(sharp|semver|detect-libc|@img\/colour)\// },
        {
          name: "native",
          test: /\/src\/(onnxruntime\/(?!telemetry)|vision|language\/(?!apart|quantize|stored-tensor|ffi\/load-thread))|\/onnxruntime-common\//,
        },
        {
          name: "ask",
          test: /\/src\/(cli\/(start-ask|ask|ask-arguments|answer-writer|output|progress|terminal|interrupt)\.ts$|pipeline\/|engine\/client\.ts$|store\/(resolve|installed|named|local|catalogue|home|hub-folder)\.ts$)|\/chalk\//,
        },
      ],
    },
  },
});

export default config;
