import type { Checkpoint } from "../../checkpoint/types.ts";
import type { Arithmetic } from "../../core/model/device.ts";
import { FlashSlothError } from "../../core/errors.ts";
import type { Shape } from "../../core/model/shape.ts";
import { EXACT_PRECISION, type MatrixPrecision } from "../../core/model/variant.ts";
import type { GraphBuilder, Value } from "../../formats/onnx/builder.ts";
import type { Product } from "./attention.ts";
import { HALF_LINEAR, halfProduct, int8Apart, LINEAR, type Apply } from "./linear.ts";

/** The matrices that are int8, by their tensors' names, and the inputs of each, ascending, that are multiplied in float32. */
export type Int8Plan = ReadonlyMap<string, readonly number[]>;

/** How matrices are stored: all of them alike, or some as int8 and the others as float32. */
export type MatrixWeights = MatrixPrecision | Int8Plan;

export interface LayersOptions {
  /** Of the matrices in `linear`; everything else is float32. @default "fp32" */
  readonly weights?: MatrixWeights | undefined;
  /** What products are computed in; int8 matrices have an arithmetic of their own. @default "float32" */
  readonly arithmetic?: Arithmetic | undefined;
}

/** The checkpoint's layers as graph nodes. Tensors are read when the graph is written, not before, and stored once. */
export class Layers {
  readonly graph: GraphBuilder;
  /** How activations are multiplied with each other. @default `MatMul` */
  readonly product: Product | undefined;
  readonly #checkpoint: Checkpoint;
  readonly #weights: MatrixWeights;
  readonly #arithmetic: Arithmetic;
  readonly #tensors = new Map<string, Value>();
  readonly #linears = new Map<string, Apply>();
  /** inputs with zeros in some channels, by what they were and which */
  readonly #zeroed = new Map<string, Value>();

  constructor(graph: GraphBuilder, checkpoint: Checkpoint, options: LayersOptions = {}) {
    const { weights = EXACT_PRECISION, arithmetic = "float32" } = options;
    this.graph = graph;
    this.product = arithmetic === "float16" ? (a, b) => halfProduct(graph, a, graph.toFloat16(b)) : undefined;
    this.#checkpoint = checkpoint;
    this.#weights = weights;
    this.#arithmetic = arithmetic;
  }

  /** A tensor of the checkpoint as float32, in its own shape or, with the same elements, in another. */
  tensor(name: string, shape: Shape = this.#shape(name)): Value {
    const load = (): Promise<Float32Array> => this.#checkpoint.readFloat32(name);
    return kept(this.#tensors, name, () => this.graph.weight({ name, element: "float32", shape, load }));
  }

  /**
   * x [..., K] through a checkpoint matrix [N, K], stored here as [K, N] -> [..., N]
   * @param weights @default those of all matrices here
   */
  linear(x: Value, name: string, weights: MatrixWeights = this.#weights): Value {
    const matrix = `${name}.weight`;
    const plan = typeof weights === "string" ? weights : weights.get(matrix);
    const key = `${name} ${String(plan)}`;
    return kept(this.#linears, key, () => this.#boundLinear(name, matrix, plan))(x);
  }

  layerNorm(x: Value, name: string, epsilon: number): Value {
    return this.graph.layerNorm(x, this.tensor(`${name}.weight`), this.tensor(`${name}.bias`), { epsilon });
  }

  /** @param plan undefined is float32, a list of inputs is int8 without them */
  #boundLinear(
    name: string,
    matrix: string,
    plan: MatrixPrecision | readonly number[] | undefined = "fp32",
  ): Apply {
    const [outputs, inputs] = this.#shape(matrix);
    if (outputs === undefined || inputs === undefined) {
      throw new FlashSlothError("internal", `${matrix} is no matrix`);
    }
    const load = (): Promise<Float32Array> => this.#checkpoint.readFloat32(matrix);
    const layer = { name: matrix, outputs, inputs, load, bias: this.tensor(`${name}.bias`) };
    if (this.#arithmetic === "float16") {
      if (plan === "fp32" || plan === "fp16") return HALF_LINEAR[plan](this.graph, layer);
      throw new FlashSlothError("internal", `${matrix} is int8, and cannot be multiplied in float16`);
    }
    if (typeof plan === "string") return LINEAR[plan](this.graph, layer);
    return int8Apart(this.graph, layer, { apart: plan, without: (x) => this.#without(x, inputs, plan) });
  }

  /** x [..., width] with zeros in some channels, made once for all matrices that read it. */
  #without(x: Value, width: number, channels: readonly number[]): Value {
    const name = `${x.name} without ${channels.join(",")}`;
    return kept(this.#zeroed, name, () => {
      const mask = new Float32Array(width).fill(1);
      for (const channel of channels) mask[channel] = 0;
      const load = async (): Promise<Float32Array> => mask;
      return this.graph.mul(x, this.graph.weight({ name, element: "float32", shape: [width], load }));
    });
  }

  #shape(name: string): Shape {
    const info = this.#checkpoint.tensors.get(name);
    if (info === undefined) {
      throw new FlashSlothError("checkpoint-invalid", `the checkpoint has no tensor ${name}`);
    }
    return info.shape;
  }
}

/** What `map` has under a name, made when it is asked for first. */
function kept<T>(map: Map<string, T>, name: string, make: () => T): T {
  const known = map.get(name);
  if (known !== undefined) return known;
  const made = make();
  map.set(name, made);
  return made;
}
