import type { Checkpoint } from "../../checkpoint/types.ts";
import { FlashSlothError } from "../../core/errors.ts";
import type { Shape } from "../../core/shape.ts";
import type { GraphBuilder, Value } from "../../formats/onnx/builder.ts";
import { transpose } from "./transpose.ts";

/** The checkpoint's layers as graph nodes. Tensors are read when the graph is written, not before. */
export class Layers {
  readonly graph: GraphBuilder;
  readonly #checkpoint: Checkpoint;

  constructor(graph: GraphBuilder, checkpoint: Checkpoint) {
    this.graph = graph;
    this.#checkpoint = checkpoint;
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
    const weight = this.#transposed(`${name}.weight`);
    const bias = this.tensor(`${name}.bias`);
    return (x) => this.graph.add(this.graph.matmul(x, weight), bias);
  }

  layerNorm(x: Value, name: string, epsilon: number): Value {
    return this.graph.layerNorm(x, this.tensor(`${name}.weight`), this.tensor(`${name}.bias`), { epsilon });
  }

  #transposed(name: string): Value {
    const [outputs, inputs] = this.#shape(name);
    if (outputs === undefined || inputs === undefined) {
      throw new FlashSlothError("internal", `${name} is no matrix`);
    }
    const load = async (): Promise<Float32Array> =>
      transpose(await this.#checkpoint.readFloat32(name), outputs, inputs);
    return this.graph.weight({ name, element: "float32", shape: [inputs, outputs], load });
  }

  #shape(name: string): Shape {
    const info = this.#checkpoint.tensors.get(name);
    if (info === undefined) {
      throw new FlashSlothError("checkpoint-invalid", `the checkpoint has no tensor ${name}`);
    }
    return info.shape;
  }
}
