import { FlashSlothError } from "../../core/errors.ts";
import type { Shape } from "../../core/model/shape.ts";
import {
  type Attribute,
  type Dimension,
  ELEMENT_TYPES,
  type ElementType,
  type NodeMessage,
  type TensorMessage,
  type ValueInfoMessage,
} from "./messages.ts";

/** A tensor that flows through the graph: its name, and its element type in the type system too. */
export interface Value<E extends ElementType = "float32"> {
  readonly name: string;
  readonly element: E;
}

/** A constant tensor whose bytes are fetched only when they are written to the data file. */
export interface Weight {
  readonly name: string;
  readonly element: ElementType;
  readonly shape: Shape;
  /** the elements, row-major and little-endian */
  readonly load: () => Promise<ArrayBufferView>;
}

/** What a finished builder hands to the writer. */
export interface Graph {
  readonly name: string;
  readonly nodes: readonly NodeMessage[];
  readonly constants: readonly TensorMessage[];
  readonly weights: readonly Weight[];
  readonly inputs: readonly ValueInfoMessage[];
  readonly outputs: readonly ValueInfoMessage[];
}

export interface NodeOptions {
  /** @default {} */
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** `com.microsoft` for onnxruntime's own operators. @default "" (the standard ones) */
  readonly domain?: string;
}

/** Domain of onnxruntime's own operators. */
const MICROSOFT = "com.microsoft";

/**
 * Builds an ONNX graph by calling one method for each operator, in order of computation.
 * The methods carry the operators' own names and meaning (onnx.ai/onnx/operators, set 21).
 */
export class GraphBuilder {
  readonly name: string;
  readonly #nodes: NodeMessage[] = [];
  readonly #constants = new Map<string, TensorMessage>();
  readonly #weights = new Map<string, Weight>();
  readonly #inputs: ValueInfoMessage[] = [];
  readonly #outputs: ValueInfoMessage[] = [];
  /** internal name of a value -> name of the graph's output */
  readonly #outputNames = new Map<string, string>();
  readonly #scopes: string[] = [];

  constructor(name: string) {
    this.name = name;
  }

  input<E extends ElementType>(name: string, element: E, shape: readonly Dimension[]): Value<E> {
    this.#inputs.push({ name, element, shape });
    return { name, element };
  }

  /** Makes `value` an output of the graph; later nodes may still read it. */
  output(name: string, value: Value<ElementType>, shape: readonly Dimension[]): void {
    this.#outputs.push({ name, element: value.element, shape });
    this.#outputNames.set(value.name, name);
  }

  /** Puts `name/` in front of the names of all nodes that `body` adds. */
  scope<T>(name: string, body: () => T): T {
    this.#scopes.push(name);
    try {
      return body();
    } finally {
      this.#scopes.pop();
    }
  }

  /** A large constant, stored outside the graph file. @throws `internal` when the name is taken */
  weight<E extends ElementType>(weight: Weight & { readonly element: E }): Value<E> {
    if (this.#weights.has(weight.name)) {
      throw new FlashSlothError("internal", `${this.name}: the weight ${weight.name} is there twice`);
    }
    this.#weights.set(weight.name, weight);
    return { name: weight.name, element: weight.element };
  }

  /** A float32 scalar inside the graph file; equal ones are shared. */
  scalar(value: number): Value {
    return this.#constant(`scalar(${value})`, "float32", [], new Float32Array([value]));
  }

  /** An int64 vector inside the graph file; equal ones are shared. */
  integers(values: readonly number[]): Value<"int64"> {
    const data = new BigInt64Array(values.map(BigInt));
    return this.#constant(`integers(${values.join(",")})`, "int64", [values.length], data);
  }

  #constant<E extends ElementType>(
    name: string,
    element: E,
    shape: Shape,
    data: Float32Array | BigInt64Array,
  ): Value<E> {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#constants.set(name, { name, element, shape, data: { kind: "inline", bytes } });
    return { name, element };
  }

  /** Any operator with one output of type `element`. */
  node<E extends ElementType>(
    operator: string,
    inputs: readonly Value<ElementType>[],
    element: E,
    options: NodeOptions = {},
  ): Value<E> {
    const name = [...this.#scopes, `${operator}_${this.#nodes.length}`].join("/");
    const { attributes = {}, domain = "" } = options;
    const inputNames = inputs.map((input) => input.name);
    this.#nodes.push({ name, operator, domain, inputs: inputNames, outputs: [name], attributes });
    return { name, element };
  }

  add(a: Value, b: Value | number): Value {
    return this.node("Add", [a, this.#operand(b)], "float32");
  }

  sub(a: Value, b: Value | number): Value {
    return this.node("Sub", [a, this.#operand(b)], "float32");
  }

  mul(a: Value, b: Value | number): Value {
    return this.node("Mul", [a, this.#operand(b)], "float32");
  }

  div(a: Value, b: Value | number): Value {
    return this.node("Div", [a, this.#operand(b)], "float32");
  }

  #operand(value: Value | number): Value {
    return typeof value === "number" ? this.scalar(value) : value;
  }

  /** In the operands' own element type, which is also the product's. */
  matmul<E extends "float32" | "float16">(a: Value<E>, b: Value<E>): Value<E> {
    return this.node("MatMul", [a, b], a.element);
  }

  /** a [..., K] float32 times b [K, N] int8 with a scale [N] for each column, plus bias [N] (onnxruntime's own operator). */
  dynamicQuantizeMatmul(a: Value, b: Value<"int8">, scales: Value, bias: Value): Value {
    const zeroPoint = { name: "", element: "int8" } as const; // left out: the range is symmetric
    return this.node("DynamicQuantizeMatMul", [a, b, scales, zeroPoint, bias], "float32", {
      domain: MICROSOFT,
    });
  }

  relu(x: Value): Value {
    return this.node("Relu", [x], "float32");
  }

  /** `none` is the exact GELU by the error function. */
  gelu(x: Value, options: { readonly approximate: "none" | "tanh" }): Value {
    const approximate: Attribute = { kind: "string", value: options.approximate };
    return this.node("Gelu", [x], "float32", { attributes: { approximate } });
  }

  softmax(x: Value, options: { readonly axis: number }): Value {
    const axis: Attribute = { kind: "int", value: options.axis };
    return this.node("Softmax", [x], "float32", { attributes: { axis } });
  }

  /** Over the last axis. */
  layerNorm(x: Value, scale: Value, bias: Value, options: { readonly epsilon: number }): Value {
    const attributes: Record<string, Attribute> = {
      axis: { kind: "int", value: -1 },
      epsilon: { kind: "float", value: options.epsilon },
    };
    return this.node("LayerNormalization", [x, scale, bias], "float32", { attributes });
  }

  /** x [N, C, H, W], kernel [M, C, k, k], bias [M]; no padding. */
  conv(x: Value, kernel: Value, bias: Value, options: { readonly stride: number }): Value {
    const strides: Attribute = { kind: "ints", value: [options.stride, options.stride] };
    return this.node("Conv", [x, kernel, bias], "float32", { attributes: { strides } });
  }

  transpose<E extends ElementType>(x: Value<E>, permutation: readonly number[]): Value<E> {
    const perm: Attribute = { kind: "ints", value: permutation };
    return this.node("Transpose", [x], x.element, { attributes: { perm } });
  }

  /** In `shape`, 0 keeps the axis at that position and -1 takes what is left. */
  reshape<E extends ElementType>(x: Value<E>, shape: readonly number[]): Value<E> {
    return this.node("Reshape", [x, this.integers(shape)], x.element);
  }

  /** Some indices of the last axis of x. */
  pick<E extends ElementType>(x: Value<E>, indices: readonly number[]): Value<E> {
    const axis: Attribute = { kind: "int", value: -1 };
    return this.node("Gather", [x, this.integers(indices)], x.element, { attributes: { axis } });
  }

  /** What is float32 already stays as it is. */
  toFloat32(x: Value<ElementType>): Value {
    return this.#cast(x, "float32");
  }

  /** What is float16 already stays as it is. */
  toFloat16(x: Value<ElementType>): Value<"float16"> {
    return this.#cast(x, "float16");
  }

  #cast<E extends ElementType>(x: Value<ElementType>, element: E): Value<E> {
    if (x.element === element) return { name: x.name, element };
    const to: Attribute = { kind: "int", value: ELEMENT_TYPES[element] };
    return this.node("Cast", [x], element, { attributes: { to } });
  }

  build(): Graph {
    const rename = (name: string): string => this.#outputNames.get(name) ?? name;
    const nodes = this.#nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    }));
    return {
      name: this.name,
      nodes,
      constants: [...this.#constants.values()],
      weights: [...this.#weights.values()],
      inputs: this.#inputs,
      outputs: this.#outputs,
    };
  }
}
