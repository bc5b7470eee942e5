import type { Shape } from "../../core/model/shape.ts";

/** "GGUF", little-endian. */
export const MAGIC = 0x4655_4747;
/** llama.cpp has written no other since 2023. */
export const VERSION = 3;
/** Every tensor begins at a multiple of this, since we write no `general.alignment`. */
export const DEFAULT_ALIGNMENT = 32;
/** ggml stores at most four dimensions. */
export const MAX_DIMENSIONS = 4;
/** ggml keeps a tensor's name in 64 bytes, the closing zero included. */
export const MAX_TENSOR_NAME_BYTES = 63;

/** A metadata value type by the number that stands in the file. */
export const VALUE_TYPES = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  array: 9,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const;

export type SmallNumberType =
  | "uint8"
  | "int8"
  | "uint16"
  | "int16"
  | "uint32"
  | "int32"
  | "float32"
  | "float64";
export type BigNumberType = "uint64" | "int64";

export type ScalarValue =
  | { readonly type: SmallNumberType; readonly value: number }
  | { readonly type: BigNumberType; readonly value: bigint }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string };

export type ArrayValue =
  | { readonly type: "array"; readonly of: SmallNumberType; readonly values: readonly number[] }
  | { readonly type: "array"; readonly of: BigNumberType; readonly values: readonly bigint[] }
  | { readonly type: "array"; readonly of: "bool"; readonly values: readonly boolean[] }
  | { readonly type: "array"; readonly of: "string"; readonly values: readonly string[] };

/** A metadata value with its type, as it stands in the file. Arrays hold scalars only. */
export type GgufValue = ScalarValue | ArrayValue;

export type GgufMetadata = ReadonlyMap<string, GgufValue>;

interface TensorTypeRow {
  /** the number that stands in the file (`enum ggml_type` of ggml.h) */
  readonly id: number;
  /** elements of one block, and the bytes they take */
  readonly block: number;
  readonly bytes: number;
}

/** The tensor types of files made from f16 weights, quantised or not. */
export type GgufTensorType =
  | "F32"
  | "F16"
  | "BF16"
  | "Q4_0"
  | "Q4_1"
  | "Q5_0"
  | "Q5_1"
  | "Q8_0"
  | "Q2_K"
  | "Q3_K"
  | "Q4_K"
  | "Q5_K"
  | "Q6_K"
  | "IQ4_NL"
  | "IQ4_XS";

export const TENSOR_TYPES: Readonly<Record<GgufTensorType, TensorTypeRow>> = {
  F32: { id: 0, block: 1, bytes: 4 },
  F16: { id: 1, block: 1, bytes: 2 },
  Q4_0: { id: 2, block: 32, bytes: 18 },
  Q4_1: { id: 3, block: 32, bytes: 20 },
  Q5_0: { id: 6, block: 32, bytes: 22 },
  Q5_1: { id: 7, block: 32, bytes: 24 },
  Q8_0: { id: 8, block: 32, bytes: 34 },
  Q2_K: { id: 10, block: 256, bytes: 84 },
  Q3_K: { id: 11, block: 256, bytes: 110 },
  Q4_K: { id: 12, block: 256, bytes: 144 },
  Q5_K: { id: 13, block: 256, bytes: 176 },
  Q6_K: { id: 14, block: 256, bytes: 210 },
  IQ4_NL: { id: 20, block: 32, bytes: 18 },
  IQ4_XS: { id: 23, block: 256, bytes: 136 },
  BF16: { id: 30, block: 1, bytes: 2 },
};

/** A tensor's place in a GGUF file. */
export interface GgufTensorInfo {
  readonly name: string;
  readonly type: GgufTensorType;
  /** row-major, outermost first: [rows, columns] (ggml writes it the other way round) */
  readonly shape: Shape;
  /** first byte, counted from the start of the file */
  readonly offset: number;
  readonly byteLength: number;
}
