import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { typedTensors } from "../../../src/convert/language/tensor-types.ts";
import { writeLanguage } from "../../../src/convert/language/write.ts";
import { QUANTS } from "../../../src/core/model/variant.ts";
import { loadLlama } from "../../../src/language/ffi/library.ts";
import { quantizeNatively } from "../../../src/language/ffi/quantize.ts";
import { readGgufLayout } from "../../formats/gguf/ggml.ts";
import { memoryCheckpoint, smallTokenizer } from "./memoryCheckpoint.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-types-"));
});

afterAll(async () => rm(folder, { recursive: true, force: true }));

describe("the types of the language model's tensors", () => {
  const quantised = QUANTS.filter((quant) => quant !== "f16");
  const texts = [
    ["fill blocks of 256", { hiddenSize: 256, intermediateSize: 256, heads: 4, layers: 17 }],
    ["fill blocks of 32", { hiddenSize: 64, intermediateSize: 96, layers: 9 }],
    ["fill no blocks, or of 32", { hiddenSize: 80, intermediateSize: 96, layers: 8 }],
  ] as const;
  it.each(texts.flatMap(([rows, text]) => quantised.map((quant) => [rows, quant, text] as const)))(
    "where rows %s: are those that llama.cpp chooses for %s",
    async (_, quant, text) => {
      const [from, to] = [join(folder, "f16.gguf"), join(folder, `${quant}.gguf`)];
      const checkpoint = memoryCheckpoint({ tokenizer: smallTokenizer(), text });
      const model = { name: "m", license: "apache-2.0", source: { repo: "test", revision: "abc" } };
      await writeLanguage({ checkpoint, path: from, model });
      const library = await loadLlama("cpu");
      expect(await quantizeNatively({ library, from, to, quant, threads: 1 })).toBe(true);
      const { tensors } = await readGgufLayout(to);
      const chosen = new Map(tensors.map(({ name, type }) => [name, type]));
      expect(new Map(typedTensors(checkpoint, quant).map(({ name, type }) => [name, type]))).toEqual(chosen);
    },
  );
});
