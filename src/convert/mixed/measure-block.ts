import type { Checkpoint } from "../../checkpoint/types.ts";
import { elementCount } from "../../core/model/shape.ts";
import { type Graph, GraphBuilder, type Value } from "../../formats/onnx/builder.ts";
import type { Attribute } from "../../formats/onnx/messages.ts";
import type { TensorInput } from "../../onnxruntime/session.ts";
import { type Int8Plan, Layers } from "../onnx/layers.ts";
import { type BlockLayers, encoderBlock } from "../onnx/siglip.ts";
import type { MatrixCost } from "./choose.ts";
import { channelsApart } from "./outliers.ts";
import { runGraph, type RunGraphOptions } from "./run-graph.ts";

export interface MeasureBlockOptions extends Pick<RunGraphOptions, "scratch" | "onRun" | "signal"> {
  readonly checkpoint: Checkpoint;
  readonly layer: number;
  /** what the block reads, of each picture: [patches * width] */
  readonly inputs: readonly Float32Array[];
  /** The matrices are rounded on the first so many; all of them show how far the channels reach. */
  readonly measured: number;
}

/** A matrix of a block, what it costs as int8, and which of its inputs are then multiplied in float32. */
export interface MeasuredMatrix extends MatrixCost {
  /** ascending */
  readonly apart: readonly number[];
}

export interface MeasuredBlock {
  readonly matrices: readonly MeasuredMatrix[];
  /** what the block makes of each picture, in float32: [patches * width] */
  readonly outputs: readonly Float32Array[];
}

/**
 * Runs one block of the encoder in float32 to see how far the channels reach that its matrices read, then with one matrix at a
 * time in int8.
 */
export async function measureBlock(options: MeasureBlockOptions): Promise<MeasuredBlock> {
  const { checkpoint, layer, measured, ...rest } = options;
  const { grid, hiddenSize } = checkpoint.config.vision;
  const shape = [1, grid * grid, hiddenSize];
  const inputs = options.inputs.map((data): TensorInput => ({ type: "float32", data, shape }));

  const { graph, matrices } = exactGraph(checkpoint, layer);
  const exact = await runGraph({ ...rest, inputs, graph, wanted: ["y", ...matrices.map(reachOf)] });
  const reaches = exact.map(([, ...channels]) => channels);
  const plan = new Map(
    matrices.map((matrix, at) => [matrix, channelsApart(furthest(reaches.map((each) => each[at])))]),
  );

  const wanted = ["norm", ...matrices.map(errorOf)];
  const rounded = await runGraph({
    ...rest,
    inputs: inputs.slice(0, measured),
    graph: roundedGraph(checkpoint, layer, plan),
    wanted,
  });
  const costs = matrices.map((name, at): MeasuredMatrix => {
    const errors = rounded.map(([norm, ...each]) => (each[at]?.[0] ?? Infinity) / (norm?.[0] ?? 0));
    return {
      name,
      error: errors.reduce((sum, error) => sum + error, 0) / errors.length,
      work: elementCount(checkpoint.tensors.get(name)?.shape ?? []),
      apart: plan.get(name) ?? [],
    };
  });
  return { matrices: costs, outputs: exact.map(([y]) => y ?? new Float32Array()) };
}

const reachOf = (matrix: string): string => `reach of ${matrix}`;
const errorOf = (matrix: string): string => `error of ${matrix}`;

/** `x` -> `y`, and for each matrix the largest absolute value of each channel that it reads. */
function exactGraph(checkpoint: Checkpoint, layer: number): { graph: Graph; matrices: string[] } {
  const g = new GraphBuilder("exact block");
  const { vision } = checkpoint.config;
  const layers = new Layers(g, checkpoint);
  const matrices: string[] = [];
  const watched: BlockLayers = {
    graph: g,
    layerNorm: (x, name, epsilon) => layers.layerNorm(x, name, epsilon),
    linear: (x, name) => {
      const matrix = `${name}.weight`;
      matrices.push(matrix);
      g.output(reachOf(matrix), reach(g, x), [checkpoint.tensors.get(matrix)?.shape[1] ?? 0]);
      return layers.linear(x, name);
    },
  };
  const y = encoderBlock(watched, vision, { layer, x: blockInput(g, checkpoint) });
  g.output("y", y, [1, vision.grid ** 2, vision.hiddenSize]);
  return { graph: g.build(), matrices };
}

/**
 * `x` -> `norm`, |y|², and for each matrix |y' - y|², where y' is what comes out when that matrix alone is int8. What several of
 * them compute alike is written several times and computed once: onnxruntime sees to that.
 */
function roundedGraph(checkpoint: Checkpoint, layer: number, plan: Int8Plan): Graph {
  const g = new GraphBuilder("block with one rounded matrix");
  const { vision } = checkpoint.config;
  const layers = new Layers(g, checkpoint);
  const x = blockInput(g, checkpoint);
  const y = encoderBlock(layers, vision, { layer, x });
  g.output("norm", sumOfSquares(g, y), []);
  for (const matrix of plan.keys()) {
    const rounded: BlockLayers = {
      graph: g,
      layerNorm: (value, name, epsilon) => layers.layerNorm(value, name, epsilon),
      linear: (value, name) => layers.linear(value, name, `${name}.weight` === matrix ? plan : undefined),
    };
    const other = encoderBlock(rounded, vision, { layer, x });
    g.output(errorOf(matrix), sumOfSquares(g, g.sub(other, y)), []);
  }
  return g.build();
}

function blockInput(g: GraphBuilder, checkpoint: Checkpoint): Value {
  const { grid, hiddenSize } = checkpoint.config.vision;
  return g.input("x", "float32", [1, grid * grid, hiddenSize]);
}

const NO_AXES: Readonly<Record<string, Attribute>> = { keepdims: { kind: "int", value: 0 } };

/** x [1, L, C] -> the largest absolute value of each channel [C] */
function reach(g: GraphBuilder, x: Value): Value {
  const size = g.node("Abs", [x], "float32");
  return g.node("ReduceMax", [size, g.integers([0, 1])], "float32", { attributes: NO_AXES });
}

function sumOfSquares(g: GraphBuilder, x: Value): Value {
  return g.node("ReduceSumSquare", [x], "float32", { attributes: NO_AXES });
}

function furthest(reaches: readonly (Float32Array | undefined)[]): Float32Array {
  const [first = new Float32Array(), ...others] = reaches;
  return first.map((value, at) => Math.max(value, ...others.map((other) => other?.[at] ?? 0)));
}
