import { EMBQ, EMBQ_LAYER } from "../../checkpoint/names.ts";
import type { CheckpointConfig } from "../../checkpoint/types.ts";
import type { Value } from "../../formats/onnx/builder.ts";
import { attention } from "./attention.ts";
import type { Layers } from "./layers.ts";

/** PyTorch's default, which EmbQ's layer norms keep whatever the checkpoint's config says. */
const NORM_EPSILON = 1e-5;

export interface EmbqInputs {
  /** hidden states at the query positions [Q, hidden] */
  readonly queries: Value;
  /** hidden states of the question [T, hidden] */
  readonly text: Value;
  /** all raw vision features of the picture [F, C] */
  readonly features: Value;
}

/**
 * Embedded Query: the queries first read the question, then with what they learned the picture, and what they
 * saw is added to them. FlashSloth, arXiv 2412.04317, section 3; `lqformer` in the published code.
 *
 * @returns [Q, hidden]
 */
export function embq(layers: Layers, config: CheckpointConfig["embq"], inputs: EmbqInputs): Value {
  const g = layers.graph;
  const { heads, width } = config;
  // a leading axis of one, which `attention` expects: [L, width] -> [1, L, width]
  const batch = (x: Value, size: number): Value => g.reshape(x, [1, -1, size]);

  // queries and question share one projection
  const down = (x: Value): Value => layers.linear(x, `${EMBQ}.down_projector_learnable_text`);
  const q = layers.layerNorm(down(inputs.queries), `${EMBQ_LAYER}.ln_q`, NORM_EPSILON); // [Q, width]
  const t = layers.layerNorm(down(inputs.text), `${EMBQ_LAYER}.ln_text`, NORM_EPSILON); // [T, width]
  const image = layers.linear(inputs.features, `${EMBQ}.down_projector_image`);
  const k = layers.layerNorm(image, `${EMBQ_LAYER}.ln_kv`, NORM_EPSILON); // [F, width]

  const read = g.scope("question", () => {
    const query = batch(layers.linear(q, `${EMBQ_LAYER}.t2q_attn.q_proj`), width);
    const key = batch(layers.linear(t, `${EMBQ_LAYER}.t2q_attn.k_proj`), width);
    const value = batch(layers.linear(t, `${EMBQ_LAYER}.t2q_attn.v_proj`), width);
    return attention(g, { query, key, value, heads, width }); // [1, Q, width]
  });

  const seen = g.scope("picture", () => {
    const query = layers.linear(read, `${EMBQ_LAYER}.i2q_attn.q_proj`);
    const key = batch(layers.linear(k, `${EMBQ_LAYER}.i2q_attn.k_proj`), width);
    const value = batch(layers.linear(inputs.features, `${EMBQ_LAYER}.i2q_attn.v_proj`), config.valueWidth);
    return attention(g, { query, key, value, heads, width }); // [1, Q, valueWidth]
  });

  const flat = g.reshape(seen, [-1, config.valueWidth]); // [Q, valueWidth]
  return g.add(inputs.queries, layers.linear(flat, `${EMBQ}.up_projector`));
}
