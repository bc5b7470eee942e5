import { rm, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/open.ts";
import { DEMO, DemoCopy, float16, type Header } from "./demo-copy.ts";

const VISION = "model.vision_tower.vision_tower.vision_model";

async function refusal(directory: string, strict = false): Promise<unknown> {
  try {
    const checkpoint = await openCheckpoint({ directory, strict });
    await checkpoint.close();
    return "it opened";
  } catch (error) {
    return error;
  }
}

const invalid = (message: string): unknown =>
  expect.objectContaining({ code: "checkpoint-invalid", message: expect.stringContaining(message) });

describe("openCheckpoint", () => {
  it("gives the demo's sizes", async () => {
    const checkpoint = await openCheckpoint({ directory: DEMO });
    expect(checkpoint.config).toEqual({
      text: {
        hiddenSize: 128,
        intermediateSize: 384,
        layers: 6,
        heads: 4,
        vocabSize: 576,
        contextLength: 512,
        ropeTheta: 10_000,
        rotaryDims: 16,
        normEps: 1e-5,
      },
      vision: {
        hiddenSize: 96,
        intermediateSize: 288,
        layers: 4,
        heads: 4,
        imageSize: 126,
        patchSize: 14,
        grid: 9,
        normEps: 1e-6,
      },
      sap: { window: 3 },
      embq: { layer: 2, heads: 4, queries: 9, width: 48, valueWidth: 96 },
      hd: false,
    });
    await checkpoint.close();
  });

  it("reads tensors when asked, and knows which were not", async () => {
    const checkpoint = await openCheckpoint({ directory: DEMO });
    const all = [...checkpoint.tensors.keys()];
    expect(checkpoint.unconsumed()).toEqual(all);

    const name = "model.mm_projector.0.weight";
    expect(checkpoint.tensors.get(name)).toEqual({
      name,
      dtype: "F16",
      shape: [128, 96],
      byteLength: 24_576,
    });
    const bytes = await checkpoint.readBytes(name);
    const floats = await checkpoint.readFloat32(name);
    expect(bytes).toHaveLength(24_576);
    // numpy's float16 of the same bytes
    expect([...floats.subarray(0, 3)]).toEqual([-0.154541015625, 0.02001953125, 0.00786590576171875]);
    expect(floats.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1.141862154006958, 6);
    expect(floats).toHaveLength(128 * 96);
    expect(checkpoint.unconsumed()).toEqual(all.filter((other) => other !== name));

    for (const other of all) await checkpoint.readBytes(other);
    expect(checkpoint.unconsumed()).toEqual([]);
    await expect(checkpoint.readBytes("nothing")).rejects.toMatchObject({ code: "checkpoint-invalid" });
    await checkpoint.close();
  });

  it("leaves a tensor unconsumed that could not be read", async () => {
    const checkpoint = await openCheckpoint({ directory: DEMO });
    await checkpoint.close();
    await expect(checkpoint.readFloat32("lm_head.bias")).rejects.toMatchObject({
      code: "checkpoint-invalid",
    });
    expect(checkpoint.unconsumed()).toContain("lm_head.bias");
  });

  it("passes over buffers and vision parts that nothing reads, whatever their type", async () => {
    await using copy = await DemoCopy.create();
    const before = await openCheckpoint({ directory: copy.directory });
    await before.close();
    await copy.editTensors((header) => {
      header["model.layers.0.self_attn.rotary_emb.inv_freq"] = { ...float16(8), dtype: "F32" };
      header[`${VISION}.embeddings.position_ids`] = { ...float16(1, 81), dtype: "I64" };
      header[`${VISION}.encoder.layers.26.layer_norm1.weight`] = float16(1152);
      header[`${VISION}.post_layernorm.weight`] = float16(96);
      header[`${VISION}.head.attention.in_proj_weight`] = float16(288, 96);
    });
    // a tower that says how many blocks it has, one more than are used
    await copy.editJson("config.json", (config) => {
      Object.assign(config["vision_config"] as object, { num_hidden_layers: 27 });
      config["mm_vision_select_layer"] = -24;
    });
    const after = await openCheckpoint({ directory: copy.directory });
    expect(after.config).toEqual(before.config);
    expect([...after.tensors.keys()]).toEqual([...before.tensors.keys()]);
    await after.close();
  });

  it.each<[string, (header: Header) => void, string]>([
    [
      "a missing tensor",
      (header) => delete header["model.layers.3.mlp.fc1.bias"],
      "tensor model.layers.3.mlp.fc1.bias is missing from the checkpoint",
    ],
    [
      "no query vectors",
      (header) => delete header["model.learnable_tokens.token"],
      "tensor model.learnable_tokens.token is missing",
    ],
    [
      "a shape that contradicts the configuration",
      (header) => (header["lm_head.weight"] = float16(576, 127)),
      "tensor lm_head.weight has shape [576, 127], the configuration needs [576, 128]",
    ],
    [
      "positions that are no square of the patches",
      (header) => (header[`${VISION}.embeddings.position_embedding.weight`] = float16(80, 96)),
      "position_embedding.weight has shape [80, 96], the configuration needs [81, 96]",
    ],
    [
      "a type that holds no weights",
      (header) => (header["lm_head.bias"] = { ...float16(576), dtype: "I64" }),
      "tensor lm_head.bias is I64, not F16, BF16 or F32",
    ],
    [
      "another number of decoder layers",
      (header) => {
        for (const name of Object.keys(header)) if (name.startsWith("model.layers.5.")) delete header[name];
      },
      "num_hidden_layers is 6, the tensors have 5 decoder layers",
    ],
    [
      "a gap in the decoder layers",
      (header) => {
        for (const name of Object.keys(header)) if (name.startsWith("model.layers.2.")) delete header[name];
      },
      "tensor model.layers.2.input_layernorm.weight and 13 more are missing",
    ],
    [
      "query vectors in three axes",
      (header) => (header["model.learnable_tokens.token"] = float16(1, 9, 128)),
      "tensor model.learnable_tokens.token has shape [1, 9, 128], expected a matrix",
    ],
    [
      "EmbQ of an uneven width",
      (header) => (header["model.lqformer.down_projector_image.weight"] = float16(50, 96)),
      "EmbQ's width by its heads: 50 is not divisible by 4",
    ],
  ])("refuses %s", async (_, edit, expected) => {
    await using copy = await DemoCopy.create();
    await copy.editTensors(edit);
    expect(await refusal(copy.directory)).toEqual(invalid(expected));
  });

  it.each<[string, string]>([
    ["an unknown tensor", "model.extra.weight"],
    ["a vision block beyond the tower", `${VISION}.encoder.layers.27.layer_norm1.weight`],
    ["a rotary buffer of a layer in disguise", "model.layers.0.x.rotary_emb.inv_freq"],
    ["a name that JavaScript's objects know", "constructor"],
  ])("leaves %s out and says so, or refuses it when it must be strict", async (_, name) => {
    await using copy = await DemoCopy.create();
    await copy.editJson("config.json", (config) => {
      Object.assign(config["vision_config"] as object, { num_hidden_layers: 5 });
    });
    const before = await openCheckpoint({ directory: copy.directory });
    await before.close();
    expect(before.remarks).toEqual([]);
    await copy.editTensors((header) => (header[name] = float16(2)));
    const after = await openCheckpoint({ directory: copy.directory });
    expect([...after.tensors.keys()]).toEqual([...before.tensors.keys()]);
    expect(after.remarks).toEqual([
      `1 tensor (4 B) that no part of a FlashSloth needs, left out: "${name}" [2]`,
    ]);
    await after.close();
    expect(await refusal(copy.directory, true)).toEqual(
      invalid(`tensor "${name}" [2] is no part of a FlashSloth`),
    );
  });

  it("counts unknown tensors, and names some", async () => {
    await using copy = await DemoCopy.create();
    await copy.editTensors((header) => {
      for (let i = 0; i < 12; i++) header[`x.${i}\n\u001b[2J`] = { ...float16(1000, 7), dtype: "F32" };
    });
    const checkpoint = await openCheckpoint({ directory: copy.directory });
    expect(checkpoint.remarks).toEqual([
      expect.stringMatching(
        /^12 tensors \(336 kB\) .* left out: "x\.0\\n\\u001b\[2J" \[1000, 7\], .* and 9 more$/,
      ),
    ]);
    await checkpoint.close();
  });

  it("takes BF16 and F32 as they are", async () => {
    await using copy = await DemoCopy.create();
    await copy.editTensors((header) => {
      header["lm_head.bias"] = { ...float16(576), dtype: "F32" };
      header["lm_head.weight"] = { ...float16(576, 128), dtype: "BF16" };
    });
    const checkpoint = await openCheckpoint({ directory: copy.directory });
    expect(await checkpoint.readBytes("lm_head.bias")).toHaveLength(576 * 4);
    expect(await checkpoint.readFloat32("lm_head.weight")).toHaveLength(576 * 128);
    await checkpoint.close();
  });

  it("names the folder that is missing, and the file that it lacks", async () => {
    await using copy = await DemoCopy.create();
    expect(await refusal(copy.path("nowhere"))).toEqual(invalid("nowhere does not exist"));
    expect(await refusal(copy.path("vocab.json"))).toEqual(invalid("config.json is missing"));
    await rm(copy.path("model.safetensors"));
    expect(await refusal(copy.directory)).toEqual(invalid("holds neither model.safetensors nor"));
    await rm(copy.path("config.json"));
    expect(await refusal(copy.directory)).toMatchObject({
      message: `${copy.path("config.json")} is missing`,
      hint: expect.stringContaining("config.json"),
    });
    await writeFile(copy.path("config.json"), Uint8Array.of(0x7b, 0xff));
    expect(await refusal(copy.directory)).toEqual(invalid("not UTF-8"));
    await writeFile(copy.path("config.json"), "{");
    expect(await refusal(copy.directory)).toEqual(invalid("not JSON"));
    await writeFile(copy.path("config.json"), Buffer.alloc(1024 * 1024 + 1, " "));
    expect(await refusal(copy.directory)).toEqual(invalid("1048577 bytes, more than the 1048576 allowed"));
  });
});
