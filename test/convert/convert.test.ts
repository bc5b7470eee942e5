import { createHash } from "node:crypto";
import { cp, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { getLlama, LlamaLogLevel, type Llama, type LlamaModel } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/open.ts";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import type { ConvertProgress } from "../../src/convert/progress.ts";
import { toFloat32 } from "../../src/core/model/dtype.ts";
import { CARD_FILE, MANIFEST_FILE, readManifest, type Manifest } from "../../src/core/model/manifest.ts";
import { VERSION } from "../../src/core/version.ts";
import { writeParityCheckpoint } from "../synthetic/parity.ts";

const DEMO = fileURLToPath(new URL("../../src/store/demo/checkpoint", import.meta.url));
const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

let folder: string;
let llama: Llama;
let demo: Manifest;
let demoFolder: string;
let demoMs: number;
const steps: ConvertProgress[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-convert-"));
  llama = await getLlama({ build: "never", gpu: false, logLevel: LlamaLogLevel.error });
  demoFolder = join(folder, "demo");
  const start = performance.now();
  demo = await convertCheckpoint({
    checkpoint: DEMO,
    out: demoFolder,
    name: "demo",
    onProgress: (step) => steps.push(step),
  });
  demoMs = performance.now() - start;
});

afterAll(async () => {
  await llama?.dispose();
  await rm(folder, { recursive: true, force: true });
});

async function withModel(directory: string, use: (model: LlamaModel) => Promise<void>): Promise<void> {
  const { roles } = await readManifest(directory);
  const model = await llama.loadModel({ modelPath: join(directory, roles.language), checkTensors: true });
  try {
    await use(model);
  } finally {
    await model.dispose();
  }
}

async function entries(): Promise<string[]> {
  return (await readdir(folder)).toSorted();
}

describe("convertCheckpoint on the demo checkpoint", () => {
  it("takes less than five seconds", () => {
    expect(demoMs).toBeLessThan(5000);
  });

  it("writes the manifest that the runtime reads", async () => {
    expect(await readManifest(demoFolder)).toEqual(demo);
    const { version } = JSON.parse(await readFile(join(PROJECT, "package.json"), "utf8")) as {
      version: string;
    };
    expect(VERSION).toBe(version);
    expect(demo).toMatchObject({
      name: "demo",
      source: { repo: "checkpoint", revision: null },
      license: "apache-2.0",
      createdBy: `flashsloth ${version}`,
      quant: "f16",
      geometry: {
        imageSize: 126,
        crops: "squash",
        featuresPerCrop: 81,
        featureWidth: 96,
        tokensPerCrop: 9,
        hiddenSize: 128,
        layers: 6,
        vocabSize: 576,
        contextLength: 512,
        queries: 9,
        embqLayer: 2,
        endTokens: [553, 551],
      },
    });
  });

  it("lists every file of the folder with its size and hash", async () => {
    const names = demo.files.map(({ name }) => name);
    expect([...names, CARD_FILE, MANIFEST_FILE].toSorted()).toEqual((await readdir(demoFolder)).toSorted());
    expect(names).toEqual(expect.arrayContaining(Object.values(demo.roles)));
    for (const { name, size, sha256 } of demo.files) {
      const bytes = await readFile(join(demoFolder, name));
      expect(bytes.byteLength).toBe(size);
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(sha256);
    }
  });

  it("points at the token embeddings and holds the query vectors", async () => {
    const checkpoint = await openCheckpoint({ directory: DEMO });
    try {
      const { hiddenSize, vocabSize } = demo.geometry;
      const table = await checkpoint.readBytes("model.embed_tokens.weight");
      const file = await readFile(join(demoFolder, demo.roles.language));
      const at = demo.embeddings.offset;
      expect(Buffer.compare(file.subarray(at, at + vocabSize * hiddenSize * 2), table)).toBe(0);

      const learned = await checkpoint.readFloat32("model.learnable_tokens.token");
      const row = toFloat32(table, "F16").slice(
        checkpoint.tokenizer.queryBase * hiddenSize,
        (checkpoint.tokenizer.queryBase + 1) * hiddenSize,
      );
      const vectors = toFloat32(await readFile(join(demoFolder, demo.roles.queries)), "F32");
      expect(vectors).toEqual(learned.map((value, index) => value + (row[index % hiddenSize] ?? 0)));
    } finally {
      await checkpoint.close();
    }
  });

  it("is loaded by llama.cpp, both end tokens end an answer", async () => {
    await withModel(demoFolder, async (model) => {
      expect(model.embeddingVectorSize).toBe(128);
      expect(model.tokens.eos).toBe(553);
      const text = "What color is the circle?";
      expect(model.detokenize(model.tokenize(text, false))).toBe(text);
      expect([...model.tokenize("</s>", true)]).toEqual([553]);
      expect([...model.tokenize("</s>", false)]).not.toContain(553);
    });
  });

  it("reports every stage, in order, from its first byte to its last, and checks what each wrote", () => {
    const runs: ConvertProgress[][] = [];
    for (const step of steps) {
      const last = runs.at(-1);
      if (last?.[0]?.stage === step.stage) last.push(step);
      else runs.push([step]);
    }
    const made = ["language", "check", "vision", "check", "embq", "check", "queries", "check"];
    expect(runs.map(([first]) => first?.stage)).toEqual(made);
    for (const run of runs) {
      expect(run.at(-1)?.done).toBe(run.at(-1)?.total);
      expect(run.every(({ done }, index) => done >= (run[index - 1]?.done ?? 0))).toBe(true);
    }
    const checked = runs.filter(([first]) => first?.stage === "check").map((run) => run.at(-1)?.done ?? 0);
    const bytes = demo.files.reduce((sum, { size }) => sum + size, 0);
    expect(checked.reduce((sum, size) => sum + size, 0)).toBe(bytes);
  });

  it("gives the same bytes again", async () => {
    const again = join(folder, "again");
    const second = await convertCheckpoint({ checkpoint: DEMO, out: again, name: "demo" });
    expect(second).toEqual(demo);
    await rm(again, { recursive: true });
  });

  it("refuses a second run on the same folder, unless it may overwrite", async () => {
    const before = await stat(join(demoFolder, MANIFEST_FILE));
    const options = { checkpoint: DEMO, out: demoFolder, name: "demo" };
    await expect(convertCheckpoint(options)).rejects.toMatchObject({ code: "usage" });
    expect((await stat(join(demoFolder, MANIFEST_FILE))).mtimeMs).toBe(before.mtimeMs);
    expect(await convertCheckpoint({ ...options, overwrite: true })).toEqual(demo);
    expect(await entries()).toEqual(["demo"]);
  });

  it("names the source in manifest and language file", async () => {
    const out = join(folder, "named");
    const source = { repo: "Tongbo/FlashSloth-3.2B", revision: "a".repeat(40) };
    const manifest = await convertCheckpoint({ checkpoint: DEMO, out, name: "flashsloth-3.2b", source });
    expect(manifest.source).toEqual(source);
    await withModel(out, async (model) => {
      expect(model.fileInfo.metadata.general).toMatchObject({
        name: "flashsloth-3.2b",
        license: "apache-2.0",
        source: { huggingface: { repository: source.repo } },
      });
      expect(model.fileInfo.metadata).toMatchObject({
        flashsloth: { source: { revision: source.revision } },
      });
    });
    await rm(out, { recursive: true });
  });
});

const VISION_GRAPHS = ["vision.batch.onnx", "vision.half.onnx", "vision.onnx", "vision.onnx.data"];

describe("a conversion that does not end well", () => {
  it.each([
    ["language", []],
    ["vision", ["language.gguf"]],
    ["embq", ["language.gguf", "sap.look.onnx", "uncompressed.onnx", ...VISION_GRAPHS]],
  ] as const)("keeps what was finished when stopped in %s, and goes on from there", async (stage, kept) => {
    const out = join(folder, "stopped");
    const stop = new AbortController();
    const options = { checkpoint: DEMO, out, name: "demo" };
    const run = convertCheckpoint({
      ...options,
      signal: stop.signal,
      onProgress: (step) => {
        if (step.stage === stage) stop.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: "interrupted" });
    const record = kept.length === 0 ? [] : ["conversion.json"];
    expect(await readdir(`${out}.partial`).catch(() => [])).toEqual([...record, ...kept]);
    expect(await entries()).toEqual(kept.length === 0 ? ["demo"] : ["demo", "stopped.partial"]);

    const again: string[] = [];
    const done = await convertCheckpoint({ ...options, onProgress: (step) => again.push(step.stage) });
    expect(done).toEqual(demo);
    expect(again.includes("language")).toBe(kept.length === 0);
    expect(again.includes("vision")).toBe(stage !== "embq");
    expect(await entries()).toEqual(["demo", "stopped"]);
    await rm(out, { recursive: true });
  });

  it("does not begin when it is stopped before", async () => {
    const run = convertCheckpoint({
      checkpoint: DEMO,
      out: join(folder, "never"),
      name: "demo",
      signal: AbortSignal.abort(),
    });
    await expect(run).rejects.toMatchObject({ code: "interrupted" });
    expect(await entries()).toEqual(["demo"]);
  });

  it("leaves nothing when a reader of progress throws", async () => {
    const run = convertCheckpoint({
      checkpoint: DEMO,
      out: join(folder, "thrown"),
      name: "demo",
      onProgress: ({ stage }) => {
        if (stage === "language") throw new Error("the terminal is gone");
      },
    });
    await expect(run).rejects.toThrow("the terminal is gone");
    expect(await entries()).toEqual(["demo"]);
  });

  it("refuses a folder inside the checkpoint, and leaves the checkpoint alone", async () => {
    const checkpoint = join(folder, "copy");
    await cp(DEMO, checkpoint, { recursive: true });
    const before = await readdir(checkpoint);
    for (const out of [checkpoint, join(checkpoint, "out"), folder]) {
      const run = convertCheckpoint({ checkpoint, out, name: "demo", overwrite: true });
      await expect(run).rejects.toMatchObject({ code: "usage" });
    }
    expect(await readdir(checkpoint)).toEqual(before);
    await rm(checkpoint, { recursive: true });
  });
});

describe("convertCheckpoint on checkpoints with the published tokenizer", () => {
  it("gives llama.cpp the goldens' first 32 ids (parity checkpoint)", async () => {
    const checkpoint = join(folder, "parity");
    const out = join(folder, "parity-model");
    await writeParityCheckpoint({ golden: "base", directory: checkpoint });
    const manifest = await convertCheckpoint({ checkpoint, out, name: "parity" });
    expect(manifest.geometry).toMatchObject({
      tokensPerCrop: 81,
      featuresPerCrop: 729,
      embqLayer: 7,
      endTokens: [50_296, 50_256],
    });
    const golden = JSON.parse(await readFile(join(PROJECT, "test/fixtures/parity/base.json"), "utf8")) as {
      cases: { prompt: string; input_ids: number[] }[];
    };
    await withModel(out, async (model) => {
      for (const { prompt, input_ids: ids } of golden.cases) {
        const [before = ""] = prompt.split("<image>");
        expect([...model.tokenize(before, false)]).toEqual(ids.slice(0, 32));
      }
    });
    await Promise.all([checkpoint, out].map((path) => rm(path, { recursive: true })));
  });
});
