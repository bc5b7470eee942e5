import { VISION, VISION_BLOCKS } from "../../checkpoint/names.ts";
import type { CheckpointConfig } from "../../checkpoint/types.ts";
import type { Value } from "../../formats/onnx/builder.ts";
import { attention } from "./attention.ts";
import type { Layers } from "./layers.ts";

type VisionConfig = CheckpointConfig["vision"];

/**
 * SigLIP's vision transformer up to FlashSloth's feature layer: pre-norm blocks, tanh-GELU, no final norm.
 * Zhai et al. 2023, arXiv 2303.15343; the encoder of FlashSloth, arXiv 2412.04317, section 3.
 *
 * @param pixels uint8 [N, S, S, 3], red first
 * @returns features [N, grid * grid, hidden]
 */
export function siglip(layers: Layers, config: VisionConfig, pixels: Value<"uint8">): Value {
  const g = layers.graph;
  let x = g.scope("embeddings", () => embedPatches(layers, config, pixels)); // [N, patches, hidden]
  for (let layer = 0; layer < config.layers; layer++) {
    x = g.scope(`layer.${layer}`, () => encoderBlock(layers, config, { layer, x }));
  }
  return x;
}

/** @returns patches with their positions [N, grid * grid, hidden] */
export function embedPatches(layers: Layers, config: VisionConfig, pixels: Value<"uint8">): Value {
  const g = layers.graph;
  const { hiddenSize, grid } = config;
  const unit = g.sub(g.div(g.toFloat32(pixels), 127.5), 1); // (x / 255 - 0.5) / 0.5: [-1, 1]
  const planes = g.transpose(unit, [0, 3, 1, 2]); // [N, 3, S, S]
  const kernel = layers.tensor(`${VISION}.embeddings.patch_embedding.weight`);
  const bias = layers.tensor(`${VISION}.embeddings.patch_embedding.bias`);
  // a rest narrower than a patch, right and below, is never read: [N, hidden, grid, grid]
  const patches = g.conv(planes, kernel, bias, { stride: config.patchSize });
  const rows = g.reshape(patches, [0, hiddenSize, grid * grid]); // [N, hidden, patches]
  const tokens = g.transpose(rows, [0, 2, 1]); // [N, patches, hidden]
  return g.add(tokens, layers.tensor(`${VISION}.embeddings.position_embedding.weight`));
}

/** What a block is made of: `Layers`, or something that looks on. */
export type BlockLayers = Pick<Layers, "graph" | "layerNorm"> &
  Partial<Pick<Layers, "product">> & {
    readonly linear: (x: Value, name: string) => Value;
  };

export interface BlockInput {
  readonly layer: number;
  /** [N, patches, hidden] */
  readonly x: Value;
}

/** One pre-norm block: attention, then the MLP, each added to what it read. @returns [N, patches, hidden] */
export function encoderBlock(layers: BlockLayers, config: VisionConfig, { layer, x }: BlockInput): Value {
  const g = layers.graph;
  const { heads, hiddenSize: width, normEps } = config;
  const name = `${VISION_BLOCKS}.${layer}`;
  const normed = layers.layerNorm(x, `${name}.layer_norm1`, normEps);
  const query = layers.linear(normed, `${name}.self_attn.q_proj`);
  const key = layers.linear(normed, `${name}.self_attn.k_proj`);
  const value = layers.linear(normed, `${name}.self_attn.v_proj`);
  const mixed = attention(g, { query, key, value, heads, width, product: layers.product });
  const attended = g.add(x, layers.linear(mixed, `${name}.self_attn.out_proj`));

  const again = layers.layerNorm(attended, `${name}.layer_norm2`, normEps);
  const inner = g.gelu(layers.linear(again, `${name}.mlp.fc1`), { approximate: "tanh" }); // [N, patches, 4304]
  return g.add(attended, layers.linear(inner, `${name}.mlp.fc2`));
}
