import type { Shape } from "../../../src/core/model/shape.ts";
import type { GgufTensorType, GgufValue } from "../../../src/formats/gguf/types.ts";
import type { GgufTensorSource } from "../../../src/formats/gguf/write.ts";
import { madeUp } from "./made-up.ts";
import type { LanguageShape, Peer } from "./shapes.ts";
import { vocabularyMetadata } from "./vocabulary.ts";

/** `LLAMA_FTYPE_MOSTLY_Q4_K_M` */
const MOSTLY_Q4_K_M = 15;

/** Keys of `src/llama-arch.cpp`. */
export function languageMetadata(peer: Peer, question: string): Map<string, GgufValue> {
  const { language: shape, name, markers } = peer;
  const { architecture, ropeSections } = shape;
  const headWidth = shape.width / shape.heads;
  const sizes: readonly [string, number][] = [
    ["vocab_size", shape.vocabSize],
    ["context_length", shape.contextLength],
    ["embedding_length", shape.width],
    ["block_count", shape.layers],
    ["feed_forward_length", shape.intermediate],
    ["attention.head_count", shape.heads],
    ["attention.head_count_kv", shape.headsKv],
    ["rope.dimension_count", headWidth],
  ];
  const numbers: readonly [string, number][] = [
    ["attention.layer_norm_rms_epsilon", shape.normEps],
    ["rope.freq_base", shape.ropeBase],
  ];
  return new Map<string, GgufValue>([
    ["general.architecture", { type: "string", value: architecture }],
    ["general.type", { type: "string", value: "model" }],
    ["general.name", { type: "string", value: `${name}, made-up weights` }],
    ["general.quantization_version", { type: "uint32", value: 2 }],
    ["general.file_type", { type: "uint32", value: MOSTLY_Q4_K_M }],
    ...sizes.map(([key, value]): [string, GgufValue] => [
      `${architecture}.${key}`,
      { type: "uint32", value },
    ]),
    ...numbers.map(([key, value]): [string, GgufValue] => [
      `${architecture}.${key}`,
      { type: "float32", value },
    ]),
    ...(ropeSections === undefined
      ? []
      : [
          [
            `${architecture}.rope.dimension_sections`,
            { type: "array", of: "int32", values: ropeSections },
          ] as const,
        ]),
    ...vocabularyMetadata(shape.vocabSize, { question, markers }),
  ]);
}

/** The tensors of a q4_k_m file, in the types that llama.cpp's quantiser gives them (`llama-quant.cpp`). */
export function languageTensors(shape: LanguageShape): GgufTensorSource[] {
  const { width, intermediate, vocabSize, layers, tied } = shape;
  const keys = (width / shape.heads) * shape.headsKv;
  const out: GgufTensorSource[] = [
    matrix("token_embd.weight", tied ? "Q6_K" : "Q4_K", [vocabSize, width]),
    madeUp("output_norm.weight", "F32", [width], 1),
    ...(tied ? [] : [matrix("output.weight", "Q6_K", [vocabSize, width])]),
  ];
  for (let layer = 0; layer < layers; layer++) {
    const name = (part: string): string => `blk.${layer}.${part}`;
    const finer = usesMoreBits(layer, layers) ? "Q6_K" : "Q4_K";
    out.push(
      madeUp(name("attn_norm.weight"), "F32", [width], 1),
      matrix(name("attn_q.weight"), "Q4_K", [width, width]),
      matrix(name("attn_k.weight"), "Q4_K", [keys, width]),
      matrix(name("attn_v.weight"), finer, [keys, width]),
      matrix(name("attn_output.weight"), "Q4_K", [width, width]),
      madeUp(name("ffn_norm.weight"), "F32", [width], 1),
      matrix(name("ffn_gate.weight"), "Q4_K", [intermediate, width]),
      matrix(name("ffn_up.weight"), "Q4_K", [intermediate, width]),
      matrix(name("ffn_down.weight"), finer, [width, intermediate]),
    );
    if (!shape.biases) continue;
    out.push(
      madeUp(name("attn_q.bias"), "F32", [width], 0),
      madeUp(name("attn_k.bias"), "F32", [keys], 0),
      madeUp(name("attn_v.bias"), "F32", [keys], 0),
    );
  }
  return out;
}

function usesMoreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

/** Rows that are not whole blocks of 256 are stored as what llama.cpp falls back to. */
function matrix(name: string, type: "Q4_K" | "Q6_K", shape: Shape): GgufTensorSource {
  const whole = (shape.at(-1) ?? 0) % 256 === 0;
  const fallback: GgufTensorType = type === "Q4_K" ? "Q5_0" : "Q8_0";
  return madeUp(name, whole ? type : fallback, shape);
}
