import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Graph, GraphBuilder, type Value } from "../../../src/formats/onnx/builder.ts";
import { writeGraph } from "../../../src/formats/onnx/write.ts";
import { openSession } from "../../../src/onnxruntime/open.ts";
import type { TensorInput } from "../../../src/onnxruntime/session.ts";

export async function withDirectory<T>(body: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "flashsloth-onnx-"));
  try {
    return await body(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Writes the graph, has onnxruntime read it, and gives back all its outputs in order. */
export async function runGraph(
  graph: Graph,
  inputs: Readonly<Record<string, TensorInput>>,
): Promise<Float32Array[]> {
  return await withDirectory(async (directory) => {
    const file = "graph.onnx";
    await writeGraph({ graph, directory, file });
    const session = await openSession({ path: join(directory, file), threads: 1 });
    try {
      const outputs = graph.outputs.map((output) => output.name);
      return await session.run(inputs, outputs);
    } finally {
      await session.dispose();
    }
  });
}

/** The graph `y = body(x)` on one input; `rank` is that of y. */
export async function runOperator(
  shape: readonly number[],
  x: readonly number[],
  rank: number,
  body: (g: GraphBuilder, x: Value) => Value,
): Promise<number[]> {
  const g = new GraphBuilder("operator");
  const axes = shape.map((_, axis) => `x${axis}`);
  const y = body(g, g.input("x", "float32", axes));
  const outputAxes = Array.from({ length: rank }, (_, axis) => `y${axis}`);
  g.output("y", y, outputAxes);
  const [out] = await runGraph(g.build(), { x: { type: "float32", data: new Float32Array(x), shape } });
  return [...(out ?? [])];
}

/** A weight whose values are given. */
export function constant(
  g: GraphBuilder,
  name: string,
  shape: readonly number[],
  values: readonly number[],
): Value {
  return g.weight({ name, element: "float32", shape, load: async () => new Float32Array(values) });
}

/** Reproducible values in [-1, 1). */
export function noise(seed: number, count: number): number[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
