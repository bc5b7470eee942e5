import type { Checkpoint } from "../../checkpoint/types.ts";
import type { Quant } from "../../core/model/variant.ts";
import type { Shape } from "../../core/model/shape.ts";
import { alignUp, tensorByteLength } from "../../formats/gguf/layout.ts";
import { DEFAULT_ALIGNMENT, type GgufTensorType } from "../../formats/gguf/types.ts";
import { languageTensors, OUTPUT, TOKEN_EMBEDDINGS } from "./tensors.ts";
import { vocabulary } from "./vocabulary.ts";

/** Two matrices of a layer that may get more bits than its others. */
type Favourite = "attn_v" | "ffn_down";

/** What llama.cpp's quantiser makes of the matrices (`llama_tensor_get_type` of `src/llama-quant.cpp`). */
interface MatrixTypes {
  readonly layers: GgufTensorType;
  readonly output: GgufTensorType;
  /** @default the favourites are stored as the others are */
  readonly favoured?: {
    readonly type: GgufTensorType;
    readonly in: (layer: number, layers: number, matrix: Favourite) => boolean;
  };
}

/** `use_more_bits` of the same file: the first eighth, the last, and every third between, which is half of 32. */
function isSpread(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

/** What the small mixture favours: `attn_v` of four layers, `ffn_down` of an eighth. */
function isEarly(layer: number, layers: number, matrix: Favourite): boolean {
  return layer < (matrix === "attn_v" ? 4 : Math.floor(layers / 8));
}

const MATRIX_TYPES: Readonly<Record<Quant, MatrixTypes>> = {
  f16: { layers: "F16", output: "F16" },
  q8_0: { layers: "Q8_0", output: "Q8_0" },
  q5_k_m: { layers: "Q5_K", output: "Q6_K", favoured: { type: "Q6_K", in: isSpread } },
  q4_k_m: { layers: "Q4_K", output: "Q6_K", favoured: { type: "Q6_K", in: isSpread } },
  q4_k_s: { layers: "Q4_K", output: "Q6_K", favoured: { type: "Q5_K", in: isEarly } },
  q4_0: { layers: "Q4_0", output: "Q6_K" },
};

/** What it takes in place of a type whose blocks of 256 do not fit into a row, and F16 where 32 do not fit either. */
const NARROWER: Readonly<Partial<Record<GgufTensorType, GgufTensorType>>> = {
  Q4_K: "Q5_0",
  Q5_K: "Q5_1",
  Q6_K: "Q8_0",
};

function typeOf(name: string, layers: number, types: MatrixTypes): GgufTensorType {
  if (name === TOKEN_EMBEDDINGS) return "F16"; // we keep it: the runtime reads its rows
  if (name === OUTPUT) return types.output;
  const { favoured } = types;
  const [, layer, matrix] = /^blk\.(\d+)\.(attn_v|ffn_down)\./.exec(name) ?? [];
  if (favoured === undefined || (matrix !== "attn_v" && matrix !== "ffn_down")) return types.layers;
  return favoured.in(Number(layer), layers, matrix) ? favoured.type : types.layers;
}

function matrixBytes(type: GgufTensorType, shape: Shape): number {
  const bytes = tensorByteLength(type, shape);
  if (bytes !== undefined) return bytes;
  const narrower = NARROWER[type];
  return (narrower && tensorByteLength(narrower, shape)) ?? tensorByteLength("F16", shape) ?? 0;
}

/** Descriptions of the model and of one tensor, in bytes, at most. */
const DESCRIPTION_BYTES = 4096;
const TENSOR_DESCRIPTION_BYTES = 128;

/**
 * How many bytes the language file of a checkpoint will have: not fewer, and no more than some kilobytes beyond.
 * @throws `checkpoint-invalid` for a vocabulary that cannot be stored
 */
export function languageBytes(
  checkpoint: Pick<Checkpoint, "config" | "tensors" | "tokenizer">,
  quant: Quant,
): number {
  const { config, tokenizer, tensors } = checkpoint;
  const { layers, vocabSize } = config.text;
  let bytes = DESCRIPTION_BYTES;
  // each text with its length, and each token's type
  for (const text of vocabulary(tokenizer, vocabSize).texts) bytes += Buffer.byteLength(text) + 12;
  for (const merge of tokenizer.merges) bytes += Buffer.byteLength(merge) + 8;
  for (const { from, to, type } of languageTensors(layers)) {
    const shape = tensors.get(from)?.shape ?? [0];
    const values =
      type === "F32"
        ? (tensorByteLength(type, shape) ?? 0)
        : matrixBytes(typeOf(to, layers, MATRIX_TYPES[quant]), shape);
    bytes += TENSOR_DESCRIPTION_BYTES + alignUp(values, DEFAULT_ALIGNMENT);
  }
  return bytes;
}
