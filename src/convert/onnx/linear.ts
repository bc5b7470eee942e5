import { toFloat16 } from "../../core/dtype.ts";
import { FlashSlothError } from "../../core/errors.ts";
import type { VisionPrecision } from "../../core/variant.ts";
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

/** Adds a layer's weights to the graph, stored as [inputs, outputs], and gives what applies them: [..., inputs] -> [..., outputs]. */
type AddLinear = (g: GraphBuilder, layer: LinearLayer) => (x: Value) => Value;

const fp32: AddLinear = (g, { name, outputs, inputs, load, bias }) => {
  const weight = g.weight({
    name,
    element: "float32",
    shape: [inputs, outputs],
    load: async () => transpose(await load(), outputs, inputs),
  });
  return (x) => g.add(g.matmul(x, weight), bias);
};

/** Half the bytes on the disk; widened when the graph is loaded or run, and computed in float32. */
const fp16: AddLinear = (g, { name, outputs, inputs, load, bias }) => {
  const weight = g.weight({
    name,
    element: "float16",
    shape: [inputs, outputs],
    load: async () => toFloat16(transpose(finite(name, await load()), outputs, inputs)),
  });
  return (x) => g.add(g.matmul(x, g.toFloat32(weight)), bias);
};

/** One scale for each output; the inputs are rounded to 8 bits on the way, by the range of the whole tensor. */
const int8: AddLinear = (g, { name, outputs, inputs, load, bias }) => {
  const scales = g.weight({
    name: `${name}.scales`,
    element: "float32",
    shape: [outputs],
    load: async () => scalesOf(await load(), inputs),
  });
  const weight = g.weight({
    name,
    element: "int8",
    shape: [inputs, outputs],
    load: async () => {
      const rows = await load();
      return rounded(transpose(rows, outputs, inputs), scalesOf(rows, inputs));
    },
  });
  return (x) => g.dynamicQuantizeMatmul(x, weight, scales, bias);
};

export const LINEAR: Readonly<Record<VisionPrecision, AddLinear>> = { fp32, fp16, int8 };

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
 * Half of int8's range: processors without VNNI add pairs of products (uint8 times int8) in 16 bits, and
 * 2 * 255 * 64 is the most that fits; with 127 they would clip.
 */
const LARGEST_STEP = 64;

/** [rows, columns] -> the scale of each row, which takes its largest value to 64. */
export function scalesOf(values: Float32Array, columns: number): Float32Array {
  const scales = new Float32Array(values.length / columns);
  for (let row = 0, at = 0; row < scales.length; row++) {
    let largest = 0;
    for (const end = at + columns; at < end; at++) largest = Math.max(largest, Math.abs(values[at] ?? 0));
    scales[row] = largest === 0 ? 1 : largest / LARGEST_STEP;
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
