import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getLlama, LlamaLogLevel, type Llama } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findEmbeddings } from "../../../src/convert/language/embeddings.ts";
import { writeLanguage } from "../../../src/convert/language/write.ts";
import { loadLlama } from "../../../src/language/ffi/library.ts";
import { quantizeNatively } from "../../../src/language/ffi/quantize.ts";
import { readGgufLayout } from "../../formats/gguf/ggml.ts";
import { memoryCheckpoint, smallTokenizer } from "./memoryCheckpoint.ts";

/** `enum llama_ftype` */
const FILE_TYPES = [
  ["q4_0", 2],
  ["q8_0", 7],
  ["q4_k_s", 14],
  ["q4_k_m", 15],
  ["q5_k_m", 17],
] as const;

let folder: string;
let llama: Llama;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-quantized-"));
  llama = await getLlama({ build: "never", gpu: false, logLevel: LlamaLogLevel.error });
});

afterAll(async () => {
  await llama?.dispose();
  await rm(folder, { recursive: true, force: true });
});

describe("a language file that llama.cpp's quantiser rewrote", () => {
  it.each(FILE_TYPES)("is read: %s", async (name, fileType) => {
    const from = join(folder, "f16.gguf");
    const to = join(folder, `${name}.gguf`);
    const checkpoint = memoryCheckpoint({
      tokenizer: smallTokenizer(),
      text: { hiddenSize: 256, intermediateSize: 512, heads: 4 },
    });
    await writeLanguage({
      checkpoint,
      path: from,
      model: { name, license: "apache-2.0", source: { repo: "test", revision: "abc" } },
    });
    const library = await loadLlama("cpu");
    expect(await quantizeNatively({ library, from, to, quant: name, threads: 1 })).toBe(true);

    const { tensors, metadata } = await readGgufLayout(to);
    expect(metadata.get("general.file_type")).toEqual({ type: "uint32", value: fileType });
    expect(metadata.get("general.license")).toEqual({ type: "string", value: "apache-2.0" });
    expect(metadata.get("flashsloth.source.revision")).toEqual({ type: "string", value: "abc" });
    const type = tensors.find((tensor) => tensor.name === "blk.0.ffn_up.weight")?.type;
    expect(type).toBe({ q4_0: "Q4_0", q8_0: "Q8_0", q4_k_s: "Q4_K", q4_k_m: "Q4_K", q5_k_m: "Q5_K" }[name]);

    const size = { vocabSize: 300, hiddenSize: 256 };
    const at = await findEmbeddings(to, size);
    const before = await findEmbeddings(from, size);
    const table = (await readFile(to)).subarray(at, at + 300 * 256 * 2);
    expect(at).not.toBe(before);
    expect(Buffer.compare(table, await checkpoint.readBytes("model.embed_tokens.weight"))).toBe(0);

    const model = await llama.loadModel({ modelPath: to, checkTensors: true });
    expect(model.embeddingVectorSize).toBe(256);
    await model.dispose();
  });
});
