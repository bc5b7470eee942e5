import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getLlama, LlamaLogLevel, type Llama } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/open.ts";
import { convertCheckpoint, type ConvertOptions } from "../../src/convert/convert.ts";
import { CARD_FILE, MANIFEST_FILE, readManifest, type Manifest } from "../../src/core/model/manifest.ts";
import { Engine } from "../../src/engine/engine.ts";
import { DEMO_CHECKPOINT, DRAWINGS, readDrawings } from "../demo/demo-model.ts";
import { readGgufLayout, type GgufLayout } from "../formats/gguf/ggml.ts";
import { writeSmallCheckpoint } from "./small-checkpoint.ts";

const SOURCE = { repo: "Tongbo/FlashSloth-3.2B", revision: "0123456789abcdef0123456789abcdef01234567" };

let folder: string;
let small: string;
let llama: Llama;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-quantize-"));
  small = join(folder, "small");
  await writeSmallCheckpoint(small);
  llama = await getLlama({ build: "never", gpu: false, logLevel: LlamaLogLevel.error });
});

afterAll(async () => {
  await llama?.dispose();
  await rm(folder, { recursive: true, force: true });
});

async function layoutOf(directory: string): Promise<GgufLayout> {
  const { roles } = await readManifest(directory);
  return await readGgufLayout(join(directory, roles.language));
}

async function convertTo(quant: string, checkpoint: string): Promise<{ out: string; manifest: Manifest }> {
  const out = join(folder, `${quant}-model`);
  const options: ConvertOptions = { checkpoint, out, name: "flashsloth-3.2b", source: SOURCE, quant };
  return { out, manifest: await convertCheckpoint({ ...options, overwrite: true }) };
}

describe("a quantised model", () => {
  it.each([
    ["q4_k_m", 15, "Q4_K", "Q6_K"],
    ["q5_k_m", 17, "Q5_K", "Q6_K"],
    ["q4_k_s", 14, "Q4_K", "Q6_K"],
    ["iq4_nl", 25, "IQ4_NL", "Q6_K"],
    ["q4_0", 2, "Q4_0", "Q6_K"],
    ["q8_0", 7, "Q8_0", "Q8_0"],
  ])("%s: types, names, licence, source, embeddings and manifest are right", async (...row) => {
    const [quant, fileType, layerType, outputType] = row;
    const { out, manifest } = await convertTo(quant, small);
    const { metadata, tensors } = await layoutOf(out);
    const typeOf = (name: string): string | undefined => tensors.find((tensor) => tensor.name === name)?.type;
    expect(typeOf("blk.4.ffn_up.weight")).toBe(layerType);
    expect(typeOf("output.weight")).toBe(outputType);
    expect(typeOf("token_embd.weight")).toBe("F16");
    expect(typeOf("blk.4.attn_norm.weight")).toBe("F32");
    const texts = Object.entries({
      "general.name": "flashsloth-3.2b",
      "general.basename": "FlashSloth",
      "general.license": "apache-2.0",
      "general.source.huggingface.repository": SOURCE.repo,
      "flashsloth.source.revision": SOURCE.revision,
    });
    for (const [key, value] of texts) expect(metadata.get(key)).toEqual({ type: "string", value });
    expect(metadata.get("general.file_type")).toEqual({ type: "uint32", value: fileType });

    expect(await readManifest(out)).toEqual(manifest);
    expect(manifest).toMatchObject({ quant, source: SOURCE, license: "apache-2.0" });
    expect((await readdir(out)).toSorted()).toEqual(
      [CARD_FILE, MANIFEST_FILE, ...manifest.files.map(({ name }) => name)].toSorted(),
    );
    for (const { name, size, sha256 } of manifest.files) {
      const bytes = await readFile(join(out, name));
      expect(bytes.byteLength).toBe(size);
      expect(createHash("sha256").update(bytes).digest("hex"), name).toBe(sha256);
    }
    const checkpoint = await openCheckpoint({ directory: small });
    const table = await checkpoint.readBytes("model.embed_tokens.weight");
    await checkpoint.close();
    const language = await readFile(join(out, manifest.roles.language));
    const { offset } = manifest.embeddings;
    expect(Buffer.compare(language.subarray(offset, offset + table.byteLength), table)).toBe(0);

    const model = await llama.loadModel({
      modelPath: join(out, manifest.roles.language),
      checkTensors: true,
    });
    expect(model.embeddingVectorSize).toBe(256);
    expect(model.fileInfo.metadata.general.license).toBe("apache-2.0");
    await model.dispose();
    await rm(out, { recursive: true });
  });

  it.each(["q8_0", "q5_k_m", "q4_k_m", "iq4_nl", "q4_0"])(
    "%s of the demo, whose rows are too short for K-quants, answers nearly as in f16",
    async (quant) => {
      const { out } = await convertTo(quant, DEMO_CHECKPOINT);
      const engine = await Engine.load({ directory: out, device: "cpu" });
      let same = 0;
      const drawings = (await readDrawings()).slice(0, 40);
      for (const { image, question, pytorch } of drawings) {
        const picture = await engine.encodePicture(join(DRAWINGS, image));
        if ((await engine.ask(picture, { question })).text === pytorch) same += 1;
        await engine.release(picture);
      }
      await engine.dispose();
      expect(same / drawings.length).toBeGreaterThanOrEqual(0.85);
      await rm(out, { recursive: true });
    },
  );

  it("refuses a weight type that it does not know, before it writes", async () => {
    const out = join(folder, "unknown");
    const run = convertCheckpoint({ checkpoint: DEMO_CHECKPOINT, out, name: "x", quant: "q2_k" });
    await expect(run).rejects.toMatchObject({ code: "usage", hint: expect.stringContaining("q4_k_m") });
    expect(await readdir(folder)).toEqual(["small"]);
  });
});

describe("a quantisation that is stopped", () => {
  it.each([
    ["q4_k_m", "llama.cpp's quantiser"],
    ["iq4_nl", "ours"],
  ])(
    "to %s, by %s, ends at once, keeps the f16 file, and the next run does not write that again",
    async (quant) => {
      const out = join(folder, "stopped");
      const options: ConvertOptions = { checkpoint: small, out, name: "stopped", quant };
      const stop = new AbortController();
      let aborted = 0;
      const run = convertCheckpoint({
        ...options,
        signal: stop.signal,
        onProgress: ({ stage }) => {
          if (stage !== "quantize" || stop.signal.aborted) return;
          aborted = performance.now();
          stop.abort();
        },
      });
      await expect(run).rejects.toMatchObject({ code: "interrupted" });
      expect(performance.now() - aborted).toBeLessThan(1000);
      expect((await readdir(`${out}.partial`)).toSorted()).toEqual(["conversion.json", "language.f16.gguf"]);

      const stages = new Set<string>();
      await convertCheckpoint({ ...options, onProgress: ({ stage }) => stages.add(stage) });
      expect(stages).toEqual(new Set(["quantize", "check", "vision", "embq", "queries"]));
      expect((await readdir(folder)).toSorted()).toEqual(["small", "stopped"]);
      await rm(out, { recursive: true });
    },
  );

  it("starts over for another weight type", async () => {
    const out = join(folder, "other");
    const stop = new AbortController();
    const run = convertCheckpoint({
      checkpoint: small,
      out,
      name: "other",
      quant: "q4_k_m",
      signal: stop.signal,
      onProgress: ({ stage }) => {
        if (stage === "quantize") stop.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: "interrupted" });
    const manifest = await convertCheckpoint({ checkpoint: small, out, name: "other", quant: "f16" });
    expect(manifest.quant).toBe("f16");
    expect((await readdir(out)).filter((name) => name.startsWith("language"))).toEqual(["language.gguf"]);
    await rm(out, { recursive: true });
  });
});
