import { toFloat16 } from "../../core/model/dtype.ts";
import { FlashSlothError } from "../../core/errors.ts";
import type { MatrixPrecision } from "../../core/model/variant.ts";
import type { GraphBuilder, Value } from "../../formats/onnx/builder.ts";
import { transpose } from "./transpose.ts";

/** A layer y = x Wᵀ + b of the checkpoint. */
export interface LinearLayer {
  /** of the matrix */
  readonly name: string;
  readonly outputs: number;
  readonly inputs: number;
  /** W [outputs, inputs] */
  readonly load: () => Promise<Float32Array>;
  /** [outputs] */
  readonly bias: Value;
}

/** Gives what applies a layer: [..., inputs] -> [..., outputs]. */
export type Apply = (x: Value) => Value;

/** Adds a layer's weights to the graph, stored as [inputs, outputs]. */
type AddLinear = (g: GraphBuilder, layer: LinearLayer) => Apply;

/** W as it is, [inputs, outputs] */
function storeFloat32(g: GraphBuilder, { name, outputs, inputs, load }: LinearLayer): Value {
  return g.weight({
    name,
    element: "float32",
    shape: [inputs, outputs],
    load: async () => transpose(await load(), outputs, inputs),
  });
}

/** W in half the bytes, [inputs, outputs] */
function storeFloat16(g: GraphBuilder, { name, outputs, inputs, load }: LinearLayer): Value<"float16"> {
  return g.weight({
    name,
    element: "float16",
    shape: [inputs, outputs],
    load: async () => toFloat16(transpose(finite(name, await load()), outputs, inputs)),
  });
}

const fp32: AddLinear = (g, layer) => {
  const weight = storeFloat32(g, layer);
  return (x) => g.add(g.matmul(x, weight), layer.bias);
};

/** Half the bytes on the disk; widened when the graph is loaded or run, and computed in float32. */
const fp16: AddLinear = (g, layer) => {
  const weight = storeFloat16(g, layer);
  return (x) => g.add(g.matmul(x, g.toFloat32(weight)), layer.bias);
};

/** One scale for each output; the inputs are rounded to 8 bits on the way, by the range of the whole tensor. */
const int8: AddLinear = (g, layer) => int8Apart(g, layer, { apart: [], without: (x) => x });

/** Inputs of a layer that stick out, and what sets them to zero in [..., inputs]. */
export interface ApartInputs {
  /** ascending */
  readonly apart: readonly number[];
  readonly without: Apply;
}

/**
 * As int8, but for some inputs, which are multiplied in float32: they do not stretch the range that all others are rounded by
 * (the decomposition of Dettmers et al. 2022, arXiv 2208.07339, with channels that are chosen beforehand).
 */
export function int8Apart(g: GraphBuilder, layer: LinearLayer, { apart, without }: ApartInputs): Apply {
  const { name, outputs, inputs, load, bias } = layer;
  const rest = async (): Promise<Float32Array> => withoutColumns(await load(), inputs, apart);
  let steps: Float32Array | undefined; // the scales are written just after the matrix that they belong to
  const weight = g.weight({
    name: `${name}.int8`,
    element: "int8",
    shape: [inputs, outputs],
    load: async () => {
      const rows = await rest();
      steps = scalesOf(rows, inputs);
      return rounded(transpose(rows, outputs, inputs), steps);
    },
  });
  const scales = g.weight({
    name: `${name}.int8.scales`,
    element: "float32",
    shape: [outputs],
    load: async () => steps ?? scalesOf(await rest(), inputs),
  });
  if (apart.length === 0) return (x) => g.dynamicQuantizeMatmul(x, weight, scales, bias);
  const exact = g.weight({
    name: `${name}.int8.apart`,
    element: "float32",
    shape: [apart.length, outputs],
    load: async () => {
      const columns = transpose(await load(), outputs, inputs); // [inputs, outputs]
      return pickRows(columns, outputs, apart);
    },
  });
  return (x) => {
    const many = g.dynamicQuantizeMatmul(without(x), weight, scales, bias);
    return g.add(many, g.matmul(g.pick(x, apart), exact));
  };
}

export const LINEAR: Readonly<Record<MatrixPrecision, AddLinear>> = { fp32, fp16, int8 };

/**
 * A product in float16, which is float32 again before anything else is done with it: residual stream, norms,
 * softmax and biases never are less.
 */
export function halfProduct(g: GraphBuilder, a: Value, b: Value<"float16">): Value {
  return g.toFloat32(g.matmul(g.toFloat16(a), b));
}

/** Layers whose products are computed in float16, by how their matrices are stored: exact ones are rounded once, when the graph is loaded. */
export const HALF_LINEAR: Readonly<Record<Exclude<MatrixPrecision, "int8">, AddLinear>> = {
  fp32: (g, layer) => halfLayer(g, g.toFloat16(storeFloat32(g, layer)), layer.bias),
  fp16: (g, layer) => halfLayer(g, storeFloat16(g, layer), layer.bias),
};

function halfLayer(g: GraphBuilder, weight: Value<"float16">, bias: Value): Apply {
  return (x) => g.add(halfProduct(g, x, weight), bias);
}

/** The largest finite float16. */
const LARGEST_FLOAT16 = 65504;

function finite(name: string, values: Float32Array): Float32Array {
  const bad = values.find((value) => !(Math.abs(value) <= LARGEST_FLOAT16));
  if (bad === undefined) return values;
  throw new FlashSlothError("checkpoint-invalid", `${name} holds ${bad}, which float16 cannot represent`, {
    hint: "convert with --vision-precision fp32",
  });
}

/**
 * Processors without VNNI add the products of two neighbouring inputs (uint8 times int8) in 16 bits, and 255 * 128 is the most
 * that fits: with 127, and half a step of rounding on either, no pair can be clipped.
 */
const LARGEST_PAIR = 127;

/**
 * [rows, columns] -> the scale of each row: the finest with which no pair of neighbours (the first column and the second, the third
 * and the fourth, …) exceeds 127 steps, added up where both have the same sign.
 */
export function scalesOf(values: Float32Array, columns: number): Float32Array {
  const scales = new Float32Array(values.length / columns);
  for (let row = 0; row < scales.length; row++) {
    let largest = 0;
    for (let at = row * columns, end = at + columns; at < end; at += 2) {
      const first = values[at] ?? 0;
      const second = at + 1 < end ? (values[at + 1] ?? 0) : 0;
      const up = Math.max(first, 0) + Math.max(second, 0);
      const down = Math.min(first, 0) + Math.min(second, 0);
      largest = Math.max(largest, up, -down);
    }
    scales[row] = largest === 0 ? 1 : largest / LARGEST_PAIR;
  }
  return scales;
}

/** values [rows, columns] and a scale for each column -> the nearest multiples */
export function rounded(values: Float32Array, scales: Float32Array): Int8Array {
  const out = new Int8Array(values.length);
  for (let at = 0; at < out.length;) {
    for (let column = 0; column < scales.length; column++, at++) {
      out[at] = Math.round((values[at] ?? 0) / (scales[column] ?? 1));
    }
  }
  return out;
}

/** values [rows, columns], a copy with zeros in some columns */
function withoutColumns(values: Float32Array, columns: number, without: readonly number[]): Float32Array {
  if (without.length === 0) return values;
  const out = values.slice();
  for (let row = 0; row < out.length; row += columns) {
    for (const column of without) out[row + column] = 0;
  }
  return out;
}

/** values [rows, columns] -> [picked.length, columns] */
function pickRows(values: Float32Array, columns: number, picked: readonly number[]): Float32Array {
  const out = new Float32Array(picked.length * columns);
  for (const [at, row] of picked.entries()) {
    out.set(values.subarray(row * columns, (row + 1) * columns), at * columns);
  }
  return out;
}
