import { DECODER, FINAL_NORM, HEAD, TOKEN_EMBEDDING } from "../../checkpoint/names.ts";

/** One tensor's way from a checkpoint into the language model's file. */
export interface TensorRoute {
  /** name in the checkpoint */
  readonly from: string;
  /** name that llama.cpp's phi2 looks for */
  readonly to: string;
  readonly type: "F16" | "F32";
}

/** Name of the token embedding table, whose rows the runtime reads straight from the file. */
export const TOKEN_EMBEDDINGS = "token_embd.weight";

/** Name of the matrix from the last hidden state to the vocabulary. */
export const OUTPUT = "output.weight";

/** Modules of a decoder layer: name in the checkpoint, name in llama.cpp. */
const LINEAR: readonly (readonly [string, string])[] = [
  ["self_attn.q_proj", "attn_q"],
  ["self_attn.k_proj", "attn_k"],
  ["self_attn.v_proj", "attn_v"],
  ["self_attn.dense", "attn_output"],
  ["mlp.fc1", "ffn_up"],
  ["mlp.fc2", "ffn_down"],
];

function norm(from: string, to: string): TensorRoute[] {
  return [
    { from: `${from}.weight`, to: `${to}.weight`, type: "F32" },
    { from: `${from}.bias`, to: `${to}.bias`, type: "F32" },
  ];
}

function linear(from: string, to: string): TensorRoute[] {
  return [
    { from: `${from}.weight`, to: `${to}.weight`, type: "F16" },
    { from: `${from}.bias`, to: `${to}.bias`, type: "F32" },
  ];
}

/**
 * Every tensor of the language model. Matrices are float16; norms and biases float32, because ggml adds and scales in
 * float32 and has no float16 form of either. Names: `src/models/phi2.cpp` and `src/llama-arch.cpp` of llama.cpp.
 */
export function languageTensors(layers: number): TensorRoute[] {
  const routes: TensorRoute[] = [
    { from: TOKEN_EMBEDDING, to: TOKEN_EMBEDDINGS, type: "F16" },
    ...norm(FINAL_NORM, "output_norm"),
    ...linear(HEAD, "output"),
  ];
  for (let layer = 0; layer < layers; layer++) {
    const from = `${DECODER}.${layer}`;
    const to = `blk.${layer}`;
    routes.push(...norm(`${from}.input_layernorm`, `${to}.attn_norm`));
    for (const [module, name] of LINEAR) routes.push(...linear(`${from}.${module}`, `${to}.${name}`));
  }
  return routes;
}
