import type { GraphBuilder, Value } from "../../formats/onnx/builder.ts";

/** Scaled dot-product attention with `heads` heads, after the projections and before any output projection. */
export interface AttentionInputs {
  /** [N, Q, width] */
  readonly query: Value;
  /** [N, K, width] */
  readonly key: Value;
  /** [N, K, valueWidth] */
  readonly value: Value;
  readonly heads: number;
  /** width of the queries and keys, all heads together */
  readonly width: number;
  /** What multiplies queries with keys, and weights with values. @default `MatMul` in float32 */
  readonly product?: Product | undefined;
}

/** [..., M, K] times [..., K, N] -> [..., M, N] */
export type Product = (a: Value, b: Value) => Value;

/** softmax(q kᵀ / sqrt(width / heads)) v in each head -> [N, Q, valueWidth] */
export function attention(g: GraphBuilder, inputs: AttentionInputs): Value {
  const { query, key, value, heads, width, product = (a, b) => g.matmul(a, b) } = inputs;
  // [N, L, heads * d] -> [N, L, heads, d]
  const split = (x: Value): Value => g.reshape(x, [0, 0, heads, -1]);
  const q = g.transpose(split(query), [0, 2, 1, 3]); // [N, heads, Q, d]
  const k = g.transpose(split(key), [0, 2, 3, 1]); // [N, heads, d, K]
  const v = g.transpose(split(value), [0, 2, 1, 3]); // [N, heads, K, dv]
  const scaled = g.mul(q, 1 / Math.sqrt(width / heads));
  const weights = g.softmax(product(scaled, k), { axis: -1 }); // [N, heads, Q, K]
  const mixed = g.transpose(product(weights, v), [0, 2, 1, 3]); // [N, Q, heads, dv]
  return g.reshape(mixed, [0, 0, -1]);
}
