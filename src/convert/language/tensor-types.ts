import type { Checkpoint } from "../../checkpoint/types.ts";
import type { Quant } from "../../core/model/variant.ts";
import type { Shape } from "../../core/model/shape.ts";
import { tensorByteLength } from "../../formats/gguf/layout.ts";
import type { StoredType } from "../../language/quantize.ts";
import { languageTensors, OUTPUT, TOKEN_EMBEDDINGS } from "./tensors.ts";

/** Two matrices of a layer that may get more bits than its others. */
type Favourite = "attn_v" | "ffn_down";

/** What llama.cpp's quantiser makes of the matrices (`llama_tensor_get_type` of `src/llama-quant.cpp`). */
interface MatrixTypes {
  readonly layers: StoredType;
  readonly output: StoredType;
  /** @default the favourites are stored as the others are */
  readonly favoured?: {
    readonly type: StoredType;
    readonly in: (layer: number, layers: number, matrix: Favourite) => boolean;
  };
}

/** `use_more_bits` of the same file: the first eighth, the last, and every third between, which is half of 32. */
function isSpread(layer: number, layers: number): boolean {
  return (
    isFirst(layer, layers) ||
    layer >= Math.floor((7 * layers) / 8) ||
    (layer - Math.floor(layers / 8)) % 3 === 2
  );
}

function isFirst(layer: number, layers: number): boolean {
  return layer < Math.floor(layers / 8);
}

/** What the small mixture favours: `attn_v` of four layers, `ffn_down` of an eighth. */
function isEarly(layer: number, layers: number, matrix: Favourite): boolean {
  return matrix === "attn_v" ? layer < 4 : isFirst(layer, layers);
}

/** Without an importance matrix: `ffn_down` of an eighth. */
function isEarlyDown(layer: number, layers: number, matrix: Favourite): boolean {
  return matrix === "ffn_down" && isFirst(layer, layers);
}

const MATRIX_TYPES: Readonly<Record<Quant, MatrixTypes>> = {
  f16: { layers: "F16", output: "F16" },
  q8_0: { layers: "Q8_0", output: "Q8_0" },
  q5_k_m: { layers: "Q5_K", output: "Q6_K", favoured: { type: "Q6_K", in: isSpread } },
  q4_k_m: { layers: "Q4_K", output: "Q6_K", favoured: { type: "Q6_K", in: isSpread } },
  q4_k_s: { layers: "Q4_K", output: "Q6_K", favoured: { type: "Q5_K", in: isEarly } },
  iq4_nl: { layers: "IQ4_NL", output: "Q6_K", favoured: { type: "Q5_K", in: isEarlyDown } },
  q4_0: { layers: "Q4_0", output: "Q6_K" },
};

/** What it takes in place of a type whose blocks of 256 do not fit into a row, and F16 where 32 do not fit either. */
const NARROWER: Readonly<Partial<Record<StoredType, StoredType>>> = {
  Q4_K: "Q5_0",
  Q5_K: "Q5_1",
  Q6_K: "Q8_0",
};

function matrixType(name: string, layers: number, types: MatrixTypes): StoredType {
  if (name === TOKEN_EMBEDDINGS) return "F16"; // we keep it: the runtime reads its rows
  if (name === OUTPUT) return types.output;
  const { favoured } = types;
  const [, layer, matrix] = /^blk\.(\d+)\.(attn_v|ffn_down)\./.exec(name) ?? [];
  if (favoured === undefined || (matrix !== "attn_v" && matrix !== "ffn_down")) return types.layers;
  return favoured.in(Number(layer), layers, matrix) ? favoured.type : types.layers;
}

/** The type, or the next one whose blocks fill rows of this tensor. */
function fitting(type: StoredType, shape: Shape): StoredType {
  const fits = (candidate: StoredType): boolean => tensorByteLength(candidate, shape) !== undefined;
  if (fits(type)) return type;
  const narrower = NARROWER[type];
  return narrower !== undefined && fits(narrower) ? narrower : "F16";
}

/** A tensor as it stands in the language file. */
export interface TypedTensor {
  /** llama.cpp's */
  readonly name: string;
  readonly type: StoredType;
  /** row-major, outermost first */
  readonly shape: Shape;
}

/** As which type each tensor of a checkpoint's language model is stored, in the file's order. */
export function typedTensors(
  { config, tensors }: Pick<Checkpoint, "config" | "tensors">,
  quant: Quant,
): TypedTensor[] {
  const { layers } = config.text;
  return languageTensors(layers).map(({ from, to: name, type }) => {
    const shape = tensors.get(from)?.shape ?? [0];
    if (type === "F32") return { name, type, shape };
    return { name, type: fitting(matrixType(name, layers, MATRIX_TYPES[quant]), shape), shape };
  });
}

/** The same types by the tensors' names. */
export function typesByName(
  checkpoint: Pick<Checkpoint, "config" | "tensors">,
  quant: Quant,
): Readonly<Record<string, StoredType>> {
  return Object.fromEntries(typedTensors(checkpoint, quant).map(({ name, type }) => [name, type]));
}
