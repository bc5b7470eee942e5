import type { Shape } from "../../src/core/model/shape.ts";
import type { TensorShapes } from "./safetensors.ts";

/** The sizes that decide every tensor of a FlashSloth checkpoint. */
export interface SyntheticSizes {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly vocabSize: number;
  readonly vision: {
    readonly hiddenSize: number;
    readonly intermediateSize: number;
    /** blocks that take part in the computation */
    readonly layers: number;
    readonly heads: number;
    readonly imageSize: number;
    readonly patchSize: number;
  };
  readonly embqWidth: number;
  readonly queries: number;
}

/** FlashSloth-3.2B and its HD twin: Phi-2 with the first 26 blocks of SigLIP so400m. */
export const PUBLISHED_SIZES: SyntheticSizes = {
  hiddenSize: 2560,
  intermediateSize: 10_240,
  layers: 32,
  heads: 32,
  vocabSize: 51_200,
  vision: {
    hiddenSize: 1152,
    intermediateSize: 4304,
    layers: 26,
    heads: 16,
    imageSize: 384,
    patchSize: 14,
  },
  embqWidth: 576,
  queries: 9,
};

type Add = (name: string, ...shape: number[]) => void;

/** A dense layer's `weight` [out, in] and `bias` [out]. */
function addLinear(add: Add, name: string, outputs: number, ...inputs: number[]): void {
  add(`${name}.weight`, outputs, ...inputs);
  add(`${name}.bias`, outputs);
}

function addNorm(add: Add, name: string, width: number): void {
  add(`${name}.weight`, width);
  add(`${name}.bias`, width);
}

function addDecoderLayer(add: Add, name: string, sizes: SyntheticSizes): void {
  const { hiddenSize: width, intermediateSize: inner } = sizes;
  for (const part of ["q_proj", "k_proj", "v_proj", "dense"]) {
    addLinear(add, `${name}.self_attn.${part}`, width, width);
  }
  addLinear(add, `${name}.mlp.fc1`, inner, width);
  addLinear(add, `${name}.mlp.fc2`, width, inner);
  addNorm(add, `${name}.input_layernorm`, width);
}

function addEmbq(add: Add, name: string, sizes: SyntheticSizes): void {
  const { embqWidth: width, hiddenSize, vision } = sizes;
  addLinear(add, `${name}.down_projector_learnable_text`, width, hiddenSize);
  addLinear(add, `${name}.down_projector_image`, width, vision.hiddenSize);
  for (const part of ["q_proj", "k_proj", "v_proj"]) {
    addLinear(add, `${name}.layers.0.t2q_attn.${part}`, width, width);
  }
  addLinear(add, `${name}.layers.0.i2q_attn.q_proj`, width, width);
  addLinear(add, `${name}.layers.0.i2q_attn.k_proj`, width, width);
  addLinear(add, `${name}.layers.0.i2q_attn.v_proj`, vision.hiddenSize, vision.hiddenSize);
  for (const norm of ["ln_text", "ln_q", "ln_kv"]) addNorm(add, `${name}.layers.0.${norm}`, width);
  addLinear(add, `${name}.up_projector`, hiddenSize, vision.hiddenSize);
}

function addVisionBlock(add: Add, name: string, width: number, inner: number): void {
  for (const part of ["k_proj", "v_proj", "q_proj", "out_proj"]) {
    addLinear(add, `${name}.self_attn.${part}`, width, width);
  }
  addNorm(add, `${name}.layer_norm1`, width);
  addLinear(add, `${name}.mlp.fc1`, inner, width);
  addLinear(add, `${name}.mlp.fc2`, width, inner);
  addNorm(add, `${name}.layer_norm2`, width);
}

/** What a published tower holds beyond its last used block: one more block, the final norm, and the pooling head. */
function addUnusedVision(add: Add, name: string, sizes: SyntheticSizes): void {
  const { hiddenSize: width, intermediateSize: inner, layers } = sizes.vision;
  addVisionBlock(add, `${name}.encoder.layers.${layers}`, width, inner);
  addNorm(add, `${name}.post_layernorm`, width);
  add(`${name}.head.probe`, 1, 1, width);
  add(`${name}.head.attention.in_proj_weight`, 3 * width, width);
  add(`${name}.head.attention.in_proj_bias`, 3 * width);
  addLinear(add, `${name}.head.attention.out_proj`, width, width);
  addNorm(add, `${name}.head.layernorm`, width);
  addLinear(add, `${name}.head.mlp.fc1`, inner, width);
  addLinear(add, `${name}.head.mlp.fc2`, width, inner);
}

/**
 * Every tensor of a FlashSloth checkpoint of these sizes, in the order a state dict has them.
 * @param unused also the vision tensors that a published checkpoint holds and the computation never reads
 */
export function checkpointShapes(sizes: SyntheticSizes, unused: boolean): TensorShapes {
  const tensors = new Map<string, Shape>();
  const add: Add = (name, ...shape) => void tensors.set(name, shape);
  const { hiddenSize, vocabSize, vision } = sizes;
  add("model.embed_tokens.weight", vocabSize, hiddenSize);
  for (let layer = 0; layer < sizes.layers; layer++) addDecoderLayer(add, `model.layers.${layer}`, sizes);
  addNorm(add, "model.final_layernorm", hiddenSize);
  add("model.learnable_tokens.token", sizes.queries, hiddenSize);
  addEmbq(add, "model.lqformer", sizes);

  const tower = "model.vision_tower.vision_tower.vision_model";
  const patches = Math.floor(vision.imageSize / vision.patchSize) ** 2;
  addLinear(
    add,
    `${tower}.embeddings.patch_embedding`,
    vision.hiddenSize,
    3,
    vision.patchSize,
    vision.patchSize,
  );
  add(`${tower}.embeddings.position_embedding.weight`, patches, vision.hiddenSize);
  for (let layer = 0; layer < vision.layers; layer++) {
    addVisionBlock(add, `${tower}.encoder.layers.${layer}`, vision.hiddenSize, vision.intermediateSize);
  }
  if (unused) addUnusedVision(add, tower, sizes);

  addLinear(add, "model.mm_projector.0", hiddenSize, vision.hiddenSize);
  addLinear(add, "model.mm_projector.2", hiddenSize, hiddenSize);
  addLinear(add, "model.pooling.mlp.0", vision.hiddenSize, vision.hiddenSize);
  addLinear(add, "model.pooling.mlp.3", 1, vision.hiddenSize);
  addLinear(add, "lm_head", vocabSize, hiddenSize);
  return tensors;
}
