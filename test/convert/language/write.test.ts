import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getLlama, LlamaLogLevel, readGgufFileInfo, type Llama } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Checkpoint } from "../../../src/checkpoint/types.ts";
import { toFloat32, type Dtype } from "../../../src/core/model/dtype.ts";
import { findEmbeddings } from "../../../src/convert/language/embeddings.ts";
import type { ModelDescription } from "../../../src/convert/language/metadata.ts";
import { queryVectors, writeQueries } from "../../../src/convert/language/queries.ts";
import { languageTensors } from "../../../src/convert/language/tensors.ts";
import { writeLanguage } from "../../../src/convert/language/write.ts";
import { readGgufLayout, type GgufLayout } from "../../formats/gguf/ggml.ts";
import { encodeElements, memoryCheckpoint, smallTokenizer } from "./memoryCheckpoint.ts";

const MODEL: ModelDescription = {
  name: "flashsloth-3.2b",
  license: "apache-2.0",
  source: { repo: "Tongbo/FlashSloth-3.2B", revision: "0123456789abcdef0123456789abcdef01234567" },
};

let folder: string;
let llama: Llama;
const tokenizer = smallTokenizer();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-language-"));
  llama = await getLlama({ build: "never", gpu: false, logLevel: LlamaLogLevel.error });
});

afterAll(async () => {
  await llama?.dispose();
  await rm(folder, { recursive: true, force: true });
});

async function write(name: string, checkpoint: Checkpoint): Promise<{ path: string; layout: GgufLayout }> {
  const path = join(folder, name);
  await writeLanguage({ checkpoint, path, model: MODEL });
  return { path, layout: await readGgufLayout(path) };
}

describe("writeLanguage", () => {
  it("describes the model in the metadata, as ggml and node-llama-cpp's reader read it", async () => {
    const checkpoint = memoryCheckpoint({ tokenizer, text: { intermediateSize: 160, ropeTheta: 12_345 } });
    const { path, layout } = await write("metadata.gguf", checkpoint);
    const value = (key: string): unknown => {
      const entry = layout.metadata.get(key);
      return entry === undefined || entry.type === "array" ? undefined : entry.value;
    };
    expect({
      architecture: value("general.architecture"),
      name: value("general.name"),
      license: value("general.license"),
      url: value("general.source.url"),
      revision: value("flashsloth.source.revision"),
      fileType: value("general.file_type"),
      feedForward: value("phi2.feed_forward_length"),
      context: value("phi2.context_length"),
      layers: value("phi2.block_count"),
      heads: value("phi2.attention.head_count"),
      rotary: value("phi2.rope.dimension_count"),
      base: value("phi2.rope.freq_base"),
      addBos: value("tokenizer.ggml.add_bos_token"),
    }).toEqual({
      architecture: "phi2",
      name: "flashsloth-3.2b",
      license: "apache-2.0",
      url: "https://huggingface.co/Tongbo/FlashSloth-3.2B",
      revision: "0123456789abcdef0123456789abcdef01234567",
      fileType: 1,
      feedForward: 160,
      context: 512,
      layers: 2,
      heads: 2,
      rotary: 16,
      base: 12_345,
      addBos: false,
    });
    const theirs = await readGgufFileInfo(path);
    expect(theirs.metadata.general.architecture).toBe("phi2");
    expect(theirs.metadata.tokenizer.ggml.tokens).toHaveLength(300);
    const infos = theirs.fullTensorInfo ?? [];
    expect(
      infos.map(({ name, dimensions }) => ({ name, shape: dimensions.map(Number).toReversed() })),
    ).toEqual(layout.tensors.map(({ name, shape }) => ({ name, shape: [...shape] })));
    expect(infos.map(({ filePart, fileOffset }) => [filePart, Number(fileOffset)])).toEqual(
      layout.tensors.map(({ offset }) => [1, offset]),
    );
  });

  it.each(["F16", "BF16", "F32"] as const)(
    "is loaded by llama.cpp with tensor checks, from %s",
    async (dtype) => {
      const { path } = await write(`load-${dtype}.gguf`, memoryCheckpoint({ tokenizer, dtype }));
      const model = await llama.loadModel({ modelPath: path, checkTensors: true });
      expect(model.embeddingVectorSize).toBe(64);
      expect(model.trainContextSize).toBe(512);
      expect(model.fileInfo.metadata.general.name).toBe("flashsloth-3.2b");
      await model.dispose();
    },
  );

  it.each([
    ["F16", (bytes: Uint8Array) => bytes],
    ["BF16", (bytes: Uint8Array) => encodeElements(toFloat32(bytes, "BF16"), "F16")],
    ["F32", (bytes: Uint8Array) => encodeElements(toFloat32(bytes, "F32"), "F16")],
  ] as const satisfies readonly (readonly [Dtype, (bytes: Uint8Array) => Uint8Array])[])(
    "holds every matrix in float16 and every vector in float32, from %s",
    async (dtype, matrix) => {
      const checkpoint = memoryCheckpoint({ tokenizer, dtype });
      const { path, layout } = await write(`values-${dtype}.gguf`, checkpoint);
      const file = await readFile(path);
      const routes = languageTensors(2);
      expect(layout.tensors.map(({ name }) => name)).toEqual(routes.map(({ to }) => to));
      for (const [index, { name, type, shape, offset, byteLength }] of layout.tensors.entries()) {
        const from = routes[index]?.from ?? "";
        const original = await checkpoint.readBytes(from);
        expect(type).toBe(shape.length === 2 ? "F16" : "F32");
        const expected =
          shape.length === 2 ? matrix(original) : encodeElements(toFloat32(original, dtype), "F32");
        const same = Buffer.compare(file.subarray(offset, offset + byteLength), expected) === 0;
        expect({ name, same }).toEqual({ name, same: true });
      }
      const offset = await findEmbeddings(path, { vocabSize: 300, hiddenSize: 64 });
      expect(offset).toBe(layout.tensors.find(({ name }) => name === "token_embd.weight")?.offset);
    },
  );

  it.each(["BF16", "F32"] as const)("refuses a %s value that float16 cannot hold", async (dtype) => {
    const checkpoint = memoryCheckpoint({
      tokenizer,
      dtype,
      values: (name, count) =>
        new Float32Array(count).fill(name.endsWith("1.mlp.fc1.weight") ? 131_072 : 0.5),
    });
    await expect(write("overflow.gguf", checkpoint)).rejects.toMatchObject({
      code: "checkpoint-invalid",
      message: "model.layers.1.mlp.fc1.weight holds 131072, which float16 cannot represent",
    });
  });

  it("reads one tensor at a time, and each once", async () => {
    const checkpoint = memoryCheckpoint({ tokenizer });
    await write("once.gguf", checkpoint);
    expect(checkpoint.reads).toEqual(languageTensors(2).map(({ from }) => from));
  });

  it("reports progress up to the values' total, never backwards", async () => {
    const steps: { written: number; total: number }[] = [];
    const path = join(folder, "progress.gguf");
    const checkpoint = memoryCheckpoint({ tokenizer });
    await writeLanguage({ checkpoint, path, model: MODEL, onProgress: (step) => steps.push(step) });
    const last = steps.at(-1);
    expect(last?.written).toBe(last?.total);
    expect((await stat(path)).size).toBeGreaterThan(last?.total ?? 0);
    expect(steps.every((step, index) => step.written > (steps[index - 1]?.written ?? 0))).toBe(true);
    expect(new Set(steps.map(({ total }) => total)).size).toBe(1);
  });

  it("stops when aborted", async () => {
    const stop = new AbortController();
    const run = writeLanguage({
      checkpoint: memoryCheckpoint({ tokenizer }),
      path: join(folder, "stopped.gguf"),
      model: MODEL,
      onProgress: () => stop.abort(),
      signal: stop.signal,
    });
    await expect(run).rejects.toMatchObject({ code: "interrupted" });
  });

  it("says which table is not what the runtime needs", async () => {
    const { path } = await write("table.gguf", memoryCheckpoint({ tokenizer }));
    await expect(findEmbeddings(path, { vocabSize: 300, hiddenSize: 128 })).rejects.toThrow(
      "token_embd.weight must be F16 [300, 128], and is F16 [300, 64]",
    );
  });
});

describe("the query vectors", () => {
  it.each(["F16", "BF16", "F32"] as const)(
    "are the learned tokens plus one embedding, from %s",
    async (dtype) => {
      const checkpoint = memoryCheckpoint({ tokenizer, dtype });
      const learned = await checkpoint.readFloat32("model.learnable_tokens.token");
      const table = await checkpoint.readFloat32("model.embed_tokens.weight");
      const path = join(folder, `queries-${dtype}.f32`);
      await writeQueries({ checkpoint, path });
      const vectors = toFloat32(await readFile(path), "F32");
      expect(vectors).toEqual(await queryVectors(checkpoint));
      expect(vectors).toHaveLength(9 * 64);
      for (const index of [0, 63, 64, 575]) {
        const expected = Math.fround((learned[index] ?? 0) + (table[46 * 64 + (index % 64)] ?? 0));
        expect(vectors[index]).toBe(expected);
      }
    },
  );
});
