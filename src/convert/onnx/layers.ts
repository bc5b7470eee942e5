import type { Checkpoint } from "../../checkpoint/types.ts";
import { FlashSlothError } from "../../core/errors.ts";
import type { Shape } from "../../core/shape.ts";
import { EXACT_PRECISION, type VisionPrecision } from "../../core/variant.ts";
import type { GraphBuilder, Value } from "../../formats/onnx/builder.ts";
import { LINEAR } from "./linear.ts";

/** The checkpoint's layers as graph nodes. Tensors are read when the graph is written, not before. */
export class Layers {
  readonly graph: GraphBuilder;
  readonly #checkpoint: Checkpoint;

  readonly #precision: VisionPrecision;

  /** @param precision of the matrices in `linear`; everything else is float32 */
  constructor(graph: GraphBuilder, checkpoint: Checkpoint, precision: VisionPrecision = EXACT_PRECISION) {
    this.graph = graph;
    this.#checkpoint = checkpoint;
    this.#precision = precision;
  }

  /** A tensor of the checkpoint as float32, in its own shape or, with the same elements, in another. */
  tensor(name: string, shape: Shape = this.#shape(name)): Value {
    const load = (): Promise<Float32Array> => this.#checkpoint.readFloat32(name);
    return this.graph.weight({ name, element: "float32", shape, load });
  }

  /** x [..., K] through a checkpoint matrix [N, K], stored here as [K, N] -> [..., N] */
  linear(x: Value, name: string): Value {
    return this.boundLinear(name)(x);
  }

  /** `linear` for more than one input: the weights are stored once. */
  boundLinear(name: string): (x: Value) => Value {
    const matrix = `${name}.weight`;
    const [outputs, inputs] = this.#shape(matrix);
    if (outputs === undefined || inputs === undefined) {
      throw new FlashSlothError("internal", `${matrix} is no matrix`);
    }
    const load = (): Promise<Float32Array> => this.#checkpoint.readFloat32(matrix);
    const bias = this.tensor(`${name}.bias`);
    return LINEAR[this.#precision](this.graph, { name: matrix, outputs, inputs, load, bias });
  }

  layerNorm(x: Value, name: string, epsilon: number): Value {
    return this.graph.layerNorm(x, this.tensor(`${name}.weight`), this.tensor(`${name}.bias`), { epsilon });
  }

  #shape(name: string): Shape {
    const info = this.#checkpoint.tensors.get(name);
    if (info === undefined) {
      throw new FlashSlothError("checkpoint-invalid", `the checkpoint has no tensor ${name}`);
    }
    return info.shape;
  }
}
