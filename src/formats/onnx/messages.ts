import type { Shape } from "../../core/model/shape.ts";

/** The element types we write, with their number in `TensorProto.DataType` (onnx.proto3). */
export const ELEMENT_TYPES = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, float16: 10 } as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  int32: 4,
  int64: 8,
  float16: 2,
};

/** An axis: a length, or the name of one that is known only at run time. */
export type Dimension = number | string;

export type Attribute =
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "string"; readonly value: string };

export interface NodeMessage {
  readonly name: string;
  readonly operator: string;
  /** empty for the standard operators, `com.microsoft` for onnxruntime's own */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface ValueInfoMessage {
  readonly name: string;
  readonly element: ElementType;
  readonly shape: readonly Dimension[];
}

/** Where a tensor's little-endian bytes are: in the message, or in a file beside it. */
export type TensorData =
  | { readonly kind: "inline"; readonly bytes: Uint8Array }
  | {
      readonly kind: "external";
      readonly location: string;
      readonly offset: number;
      readonly length: number;
    };

export interface TensorMessage {
  readonly name: string;
  readonly element: ElementType;
  readonly shape: Shape;
  readonly data: TensorData;
}

export interface GraphMessage {
  readonly name: string;
  readonly nodes: readonly NodeMessage[];
  readonly initializers: readonly TensorMessage[];
  readonly inputs: readonly ValueInfoMessage[];
  readonly outputs: readonly ValueInfoMessage[];
}

export interface ModelMessage {
  readonly irVersion: number;
  readonly producer: string;
  /** version of each operator set by its domain; the standard one has the empty name */
  readonly operatorSets: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly graph: GraphMessage;
}
