import type { Checkpoint } from "../../checkpoint/types.ts";
import { elementCount } from "../../core/shape.ts";
import type { Quant } from "../../core/variant.ts";
import { tensorByteLength } from "../../formats/gguf/layout.ts";
import { languageTensors, OUTPUT, TOKEN_EMBEDDINGS } from "./tensors.ts";

/** Beside the tensors: metadata with the vocabulary, descriptions, padding. */
const HEADER_BYTES = 4 * 2 ** 20;
/** Elements of a row that llama.cpp's K types take together; rows that are no multiple of it get older, larger types. */
const K_BLOCK = 256;

/**
 * Bits a weight, in the decoder layers' matrices and in the output matrix, as llama.cpp's quantiser (`src/llama-quant.cpp`) chooses
 * them: the `_m` types give half of the layers' `attn_v` and `ffn_down` Q6_K (6.56 bits), `q4_k_s` the first eighth Q5_K. `wide` is what
 * rows get that do not fit.
 */
const BITS: Readonly<Record<Quant, { layers: number; output: number; wide: number }>> = {
  f16: { layers: 16, output: 16, wide: 16 },
  q8_0: { layers: 8.5, output: 8.5, wide: 8.5 },
  q5_k_m: { layers: 5.73, output: 6.57, wide: 6.53 },
  q4_k_m: { layers: 4.93, output: 6.57, wide: 6.13 },
  q4_k_s: { layers: 4.56, output: 6.57, wide: 5.56 },
  q4_0: { layers: 4.5, output: 6.57, wide: 4.5 },
};

/** Bits a weight of the decoder layers; an unknown weight type is taken for the largest that is quantised. */
export function layerBits(quant: string): number {
  const known: Readonly<Partial<Record<string, { layers: number }>>> = BITS;
  return (known[quant] ?? BITS.q8_0).layers;
}

/**
 * About how many bytes the language file of a checkpoint has; for `f16` never less than it has.
 * @throws nothing: a tensor that is missing counts as none
 */
export function languageBytes(checkpoint: Checkpoint, quant: Quant): number {
  let bytes = HEADER_BYTES;
  for (const { from, to, type } of languageTensors(checkpoint.config.text.layers)) {
    const shape = checkpoint.tensors.get(from)?.shape ?? [0];
    if (type === "F32" || to === TOKEN_EMBEDDINGS) {
      bytes += tensorByteLength(type, shape) ?? 0;
      continue;
    }
    const { layers, output, wide } = BITS[quant];
    const fits = (shape.at(-1) ?? 0) % K_BLOCK === 0;
    const narrow = to === OUTPUT ? output : layers;
    bytes += (elementCount(shape) * (fits ? narrow : wide)) / 8;
  }
  return Math.ceil(bytes);
}
