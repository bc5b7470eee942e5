import { describe, expect, it } from "vitest";
import { parseConfigFile } from "../../src/checkpoint/config-file.ts";
import { resolveConfig } from "../../src/checkpoint/config.ts";
import { expectedTensors } from "../../src/checkpoint/tensors.ts";
import { parityTensors } from "../synthetic/parity.ts";
import { checkpointShapes, PUBLISHED_SIZES } from "../synthetic/shapes.ts";

/** What the published `config.json` says: nothing about the vision tower, EmbQ or SAP. */
const PUBLISHED = {
  hidden_size: 2560,
  intermediate_size: 10_240,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  vocab_size: 51_200,
  partial_rotary_factor: 0.4,
  rope_theta: 10_000,
  rope_scaling: null,
  layer_norm_eps: 1e-5,
  hidden_act: "gelu_new",
  image_hd: true,
  image_aspect_ratio: "square",
  mm_vision_select_layer: -2,
  mm_projector_type: "mlp2x_gelu",
  mm_hidden_size: 1152,
};

function resolve(
  config: Record<string, unknown>,
  shapes = checkpointShapes(PUBLISHED_SIZES, true),
): ReturnType<typeof resolveConfig> {
  return resolveConfig({ file: parseConfigFile(config, "config.json"), shapes, where: "config.json" });
}

describe("a checkpoint's configuration", () => {
  it.each([true, false])("of the published models, unused vision parts saved: %s", (unused) => {
    const { config, towerLayers } = resolve(PUBLISHED, checkpointShapes(PUBLISHED_SIZES, unused));
    expect(towerLayers).toBe(27);
    expect(config).toEqual({
      text: {
        hiddenSize: 2560,
        intermediateSize: 10_240,
        layers: 32,
        heads: 32,
        vocabSize: 51_200,
        contextLength: 2048,
        ropeTheta: 10_000,
        rotaryDims: 32,
        normEps: 1e-5,
      },
      vision: {
        hiddenSize: 1152,
        intermediateSize: 4304,
        layers: 26,
        heads: 16,
        imageSize: 384,
        patchSize: 14,
        grid: 27,
        normEps: 1e-6,
      },
      sap: { window: 3 },
      embq: { layer: 7, heads: 32, queries: 9, width: 576, valueWidth: 1152 },
      hd: true,
    });
    expect(Object.fromEntries(expectedTensors(config))).toEqual(
      Object.fromEntries(checkpointShapes(PUBLISHED_SIZES, false)),
    );
  });

  it.each(["base", "hd"] as const)("of the %s golden needs the golden's tensors", async (golden) => {
    const { config: file, tensors } = await parityTensors(golden);
    const { config, towerLayers } = resolve(file, tensors);
    expect(config.vision.layers).toBe(2);
    expect(towerLayers).toBe(3);
    expect(config.hd).toBe(golden === "hd");
    expect(Object.fromEntries(expectedTensors(config))).toEqual(Object.fromEntries(tensors));
  });

  it("uses every stored vision block when vision_config does not count them", () => {
    const sizes = { ...PUBLISHED_SIZES, vision: { ...PUBLISHED_SIZES.vision, layers: 4 } };
    const { config } = resolve({ ...PUBLISHED, vision_config: {} }, checkpointShapes(sizes, false));
    expect(config.vision.layers).toBe(4);
  });

  it.each<[Record<string, unknown>, string]>([
    [{ hidden_size: undefined }, "config.json: hidden_size: "],
    [{ hidden_size: "2560" }, "config.json: hidden_size: Invalid type"],
    [{ hidden_size: -1 }, "config.json: hidden_size: "],
    [{ hidden_size: 1e12 }, "config.json: hidden_size: "],
    [{ num_hidden_layers: 2.5 }, "config.json: num_hidden_layers: "],
    [{ num_hidden_layers: 31 }, "num_hidden_layers is 31, the tensors have 32 decoder layers"],
    [{ num_attention_heads: 33 }, "hidden_size by num_attention_heads: 2560 is not divisible by 33"],
    [{ num_key_value_heads: 8 }, "num_key_value_heads 8 differs from num_attention_heads 32"],
    [{ partial_rotary_factor: 0 }, "config.json: partial_rotary_factor: "],
    [{ partial_rotary_factor: 1.5 }, "config.json: partial_rotary_factor: "],
    [{ partial_rotary_factor: 0.4125 }, "rotates 33 of a head's 80 dimensions"],
    [{ rope_scaling: { type: "linear", factor: 2 } }, "config.json: rope_scaling: "],
    [{ layer_norm_eps: 0 }, "config.json: layer_norm_eps: "],
    [{ hidden_act: "silu" }, "config.json: hidden_act: "],
    [{ qk_layernorm: true }, "config.json: qk_layernorm: "],
    [{ image_hd: "yes" }, "config.json: image_hd: "],
    [{ mm_projector_type: "linear" }, "config.json: mm_projector_type: "],
    [{ mm_vision_select_layer: 3 }, "config.json: mm_vision_select_layer: "],
    [{ mm_vision_select_layer: -28 }, "mm_vision_select_layer -28 is outside a vision tower of 27 layers"],
    [{ mm_hidden_size: 1024 }, "mm_hidden_size 1024 differs from the vision tower's width 1152"],
    [{ embq_layer: 0 }, "config.json: embq_layer: "],
    [{ embq_layer: 32 }, "embq_layer 32 is none of the 32 decoder layers"],
    [{ embq_heads: 7 }, "EmbQ's width by its heads: 576 is not divisible by 7"],
    [{ sap_window: 4 }, "patches a side by sap_window: 27 is not divisible by 4"],
    [{ vision_config: { num_attention_heads: 7 } }, "vision_config: hidden_size by num_attention_heads"],
    [{ vision_config: { image_size: 10 } }, "patch_size 14 is larger than image_size 10"],
    [{ vision_config: { patch_size: 0 } }, "config.json: vision_config.patch_size: "],
    [
      { vision_config: { num_hidden_layers: 40 } },
      "the tensors have 27 vision layers, the configuration needs 39",
    ],
  ])("with %j is refused", (change, expected) => {
    expect(() => resolve({ ...PUBLISHED, ...change })).toThrow(
      expect.objectContaining({ code: "checkpoint-invalid", message: expect.stringContaining(expected) }),
    );
  });

  it.each([null, [], 3, "x"])("that is %j is refused", (json) => {
    expect(() => parseConfigFile(json, "config.json")).toThrow(/^config\.json: /);
  });
});
