import type { Shape } from "../core/model/shape.ts";
import {
  DECODER,
  EMBQ,
  EMBQ_LAYER,
  FINAL_NORM,
  HEAD,
  PROJECTOR,
  QUERIES,
  SAP,
  TOKEN_EMBEDDING,
  VISION,
  VISION_BLOCKS,
} from "./names.ts";
import type { CheckpointConfig } from "./types.ts";

type Table = Map<string, Shape>;

/** A dense layer: `weight` [outputs, ...inputs], `bias` [outputs]. */
function linear(table: Table, name: string, outputs: number, ...inputs: number[]): void {
  table.set(`${name}.weight`, [outputs, ...inputs]);
  table.set(`${name}.bias`, [outputs]);
}

/** A LayerNorm: `weight` [width], `bias` [width]. */
function norm(table: Table, name: string, width: number): void {
  table.set(`${name}.weight`, [width]);
  table.set(`${name}.bias`, [width]);
}

function languageModel(table: Table, config: CheckpointConfig): void {
  const { hiddenSize, intermediateSize, layers, vocabSize } = config.text;
  table.set(TOKEN_EMBEDDING, [vocabSize, hiddenSize]);
  for (let layer = 0; layer < layers; layer++) {
    const name = `${DECODER}.${layer}`;
    norm(table, `${name}.input_layernorm`, hiddenSize);
    for (const part of ["q_proj", "k_proj", "v_proj", "dense"]) {
      linear(table, `${name}.self_attn.${part}`, hiddenSize, hiddenSize);
    }
    linear(table, `${name}.mlp.fc1`, intermediateSize, hiddenSize);
    linear(table, `${name}.mlp.fc2`, hiddenSize, intermediateSize);
  }
  norm(table, FINAL_NORM, hiddenSize);
  linear(table, HEAD, vocabSize, hiddenSize);
}

function embq(table: Table, config: CheckpointConfig): void {
  const { hiddenSize } = config.text;
  const { queries, width, valueWidth } = config.embq;
  const featureWidth = config.vision.hiddenSize;
  table.set(QUERIES, [queries, hiddenSize]);
  linear(table, `${EMBQ}.down_projector_learnable_text`, width, hiddenSize);
  linear(table, `${EMBQ}.down_projector_image`, width, featureWidth);
  for (const part of ["q_proj", "k_proj", "v_proj"]) {
    linear(table, `${EMBQ_LAYER}.t2q_attn.${part}`, width, width);
  }
  linear(table, `${EMBQ_LAYER}.i2q_attn.q_proj`, width, width);
  linear(table, `${EMBQ_LAYER}.i2q_attn.k_proj`, width, width);
  linear(table, `${EMBQ_LAYER}.i2q_attn.v_proj`, valueWidth, featureWidth);
  for (const part of ["ln_text", "ln_q", "ln_kv"]) norm(table, `${EMBQ_LAYER}.${part}`, width);
  linear(table, `${EMBQ}.up_projector`, hiddenSize, valueWidth);
}

function vision(table: Table, config: CheckpointConfig): void {
  const { hiddenSize, intermediateSize, layers, patchSize, grid } = config.vision;
  linear(table, `${VISION}.embeddings.patch_embedding`, hiddenSize, 3, patchSize, patchSize);
  table.set(`${VISION}.embeddings.position_embedding.weight`, [grid * grid, hiddenSize]);
  for (let layer = 0; layer < layers; layer++) {
    const name = `${VISION_BLOCKS}.${layer}`;
    norm(table, `${name}.layer_norm1`, hiddenSize);
    for (const part of ["q_proj", "k_proj", "v_proj", "out_proj"]) {
      linear(table, `${name}.self_attn.${part}`, hiddenSize, hiddenSize);
    }
    norm(table, `${name}.layer_norm2`, hiddenSize);
    linear(table, `${name}.mlp.fc1`, intermediateSize, hiddenSize);
    linear(table, `${name}.mlp.fc2`, hiddenSize, intermediateSize);
  }
}

function compression(table: Table, config: CheckpointConfig): void {
  const featureWidth = config.vision.hiddenSize;
  const { hiddenSize } = config.text;
  linear(table, `${SAP}.0`, featureWidth, featureWidth);
  linear(table, `${SAP}.3`, 1, featureWidth);
  linear(table, `${PROJECTOR}.0`, hiddenSize, featureWidth);
  linear(table, `${PROJECTOR}.2`, hiddenSize, hiddenSize);
}

/** Name and shape of every tensor of the computation, for a checkpoint of this configuration. */
export function expectedTensors(config: CheckpointConfig): ReadonlyMap<string, Shape> {
  const table: Table = new Map();
  languageModel(table, config);
  embq(table, config);
  vision(table, config);
  compression(table, config);
  return table;
}
