import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import { convertDemo } from "../demo/demo-model.ts";

interface Said {
  readonly geometry: Record<string, number>;
  readonly roles: Record<string, string>;
  readonly embeddings: { offset: number };
}

describe("a manifest that contradicts the files beside it is refused when they are loaded:", () => {
  let demo: Awaited<ReturnType<typeof convertDemo>>;
  let whole: string;

  beforeAll(async () => {
    demo = await convertDemo();
    whole = await readFile(join(demo.directory, "manifest.json"), "utf8");
  });

  afterAll(async () => {
    await demo?.remove();
  });

  it.each([
    [
      "imageSize",
      140,
      "vision.onnx has pixels [1, 126, 126, 3], and the manifest beside it says [1, 140, 140, 3]",
    ],
    [
      "featuresPerCrop",
      64,
      "vision.onnx has features [1, 81, 96], and the manifest beside it says [1, 64, 96]",
    ],
    ["featureWidth", 95, "vision.onnx has features [1, 81, 96], and the manifest beside it says [1, 81, 95]"],
    [
      "tokensPerCrop",
      8,
      "vision.onnx has visual_tokens [1, 9, 128], and the manifest beside it says [1, 8, 128]",
    ],
    ["queries", 5, "embq.onnx has queries [9, 128], and the manifest beside it says [5, 128]"],
    ["hiddenSize", 64, "64"],
    ["layers", 7, "language.gguf has layers 6, and the manifest beside it says 7"],
    ["vocabSize", 500, "language.gguf has vocabSize 576, and the manifest beside it says 500"],
    ["contextLength", 4096, "and the manifest beside it says 4096"],
    ["embqLayer", 6, "language.gguf has 6 layers, and the manifest beside it puts EmbQ before layer 6"],
  ])("%s of %d", async (field, value, message) => {
    const said = JSON.parse(whole) as Said;
    said.geometry[field] = value;
    await expect(load(said)).rejects.toMatchObject({
      code: "model-invalid",
      message: expect.stringContaining(message),
    });
  });

  it("two graphs for each other, and embeddings that lie elsewhere", async () => {
    const swapped = JSON.parse(whole) as Said;
    Object.assign(swapped.roles, { vision: "embq.onnx", embq: "vision.onnx" });
    await expect(load(swapped)).rejects.toMatchObject({
      code: "model-invalid",
      message: expect.stringContaining("embq.onnx has no pixels"),
    });
    const outside = JSON.parse(whole) as Said;
    outside.embeddings.offset = 1e9;
    await expect(load(outside)).rejects.toMatchObject({
      code: "model-invalid",
      message: expect.stringContaining("ends before its token embeddings do"),
    });
  });

  async function load(said: Said): Promise<void> {
    await writeFile(join(demo.directory, "manifest.json"), JSON.stringify(said));
    const engine = await Engine.load({ directory: demo.directory, device: "cpu", threads: 1 });
    await engine.dispose();
  }
});

describe("a graph whose weights lie outside the model's folder", () => {
  it("is not loaded", async () => {
    const demo = await convertDemo();
    try {
      const path = join(demo.directory, "vision.onnx");
      const [inside, outside] = ["vision.onnx.data", "../vision.onnx.d"];
      const graph = await readFile(path, "latin1");
      expect(graph).toContain(inside);
      await writeFile(path, graph.replaceAll(inside, outside), "latin1");
      await writeFile(join(demo.directory, outside), await readFile(join(demo.directory, inside)));
      await expect(
        Engine.load({ directory: demo.directory, device: "cpu", threads: 1 }),
      ).rejects.toMatchObject({ code: "model-invalid", message: expect.stringContaining("vision.onnx") });
    } finally {
      await demo.remove();
    }
  });
});
