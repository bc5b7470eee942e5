import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Graph } from "../../formats/onnx/builder.ts";
import { writeGraph } from "../../formats/onnx/write.ts";
import { openSession } from "../../onnxruntime/open.ts";
import type { TensorInput } from "../../onnxruntime/session.ts";
import { throwIfAborted } from "../progress.ts";

export interface RunGraphOptions {
  readonly graph: Graph;
  /** a folder that is emptied before and removed after */
  readonly scratch: string;
  /** of the graph's one input, for each run */
  readonly inputs: readonly TensorInput[];
  /** outputs, in the order wanted */
  readonly wanted: readonly string[];
  /** Called after each run. @default nobody */
  readonly onRun?: (() => void) | undefined;
  /** Checked before each run. @default never */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a graph with one input, runs it on the CPU once for each value of that, and removes it.
 * @returns the wanted outputs of each run
 */
export async function runGraph(options: RunGraphOptions): Promise<Float32Array[][]> {
  const { graph, scratch, inputs, wanted, onRun, signal } = options;
  const [input] = graph.inputs;
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch);
  try {
    const { graph: file } = await writeGraph({ graph, directory: scratch, file: "graph.onnx", signal });
    const session = await openSession({ path: join(scratch, file) });
    try {
      const results: Float32Array[][] = [];
      for (const value of inputs) {
        throwIfAborted(signal);
        results.push(await session.run({ [input?.name ?? ""]: value }, wanted));
        onRun?.();
      }
      return results;
    } finally {
      await session.dispose();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
