import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CheckpointConfig } from "../../checkpoint/types.ts";
import { onDisk } from "../../core/disk.ts";
import { FlashSlothError } from "../../core/errors.ts";
import type { Graph } from "../../formats/onnx/builder.ts";
import { layOutWeights } from "../../formats/onnx/layout.ts";
import { encodeGraph } from "../../formats/onnx/write.ts";

const SCOPE = "projector/";

export interface UncompressedGraphOptions {
  /** the vision graph as it was written, with a scope `projector` */
  readonly vision: Graph;
  readonly config: Pick<CheckpointConfig, "vision" | "text">;
}

/**
 * The projector of a vision graph on its own, for features that were not pooled: what FlashSloth would cost without
 * compression. `features` float32 [1, patches, C] -> `visual_tokens` float32 [1, patches, hidden].
 *
 * Its nodes are the vision graph's own, so that it computes as that one does in every precision.
 * @throws `internal` when the vision graph has no such part, or the part reads more than one value of the rest
 */
export function uncompressedGraph({ vision, config }: UncompressedGraphOptions): Graph {
  const nodes = vision.nodes.filter((node) => node.name.startsWith(SCOPE));
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const read = new Set(nodes.flatMap((node) => node.inputs));
  const constants = vision.constants.filter(({ name }) => read.has(name));
  const weights = vision.weights.filter(({ name }) => read.has(name));
  const stored = new Set([...constants, ...weights].map(({ name }) => name));
  const [pooled, ...others] = [...read].filter((name) => !made.has(name) && !stored.has(name));
  if (pooled === undefined || others.length > 0 || !made.has("visual_tokens")) {
    throw new FlashSlothError("internal", "the vision graph's projector cannot be taken out of it");
  }
  const shape = (width: number): number[] => [1, config.vision.grid ** 2, width];
  return {
    name: "uncompressed",
    nodes: nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map((name) => (name === pooled ? "features" : name)),
    })),
    constants,
    weights,
    inputs: [{ name: "features", element: "float32", shape: shape(config.vision.hiddenSize) }],
    outputs: [{ name: "visual_tokens", element: "float32", shape: shape(config.text.hiddenSize) }],
  };
}

export interface WriteUncompressedOptions extends UncompressedGraphOptions {
  readonly directory: string;
  /** the vision graph's data file, which holds the weights of both */
  readonly data: string;
  /** @default "uncompressed.onnx" */
  readonly file?: string | undefined;
}

/** Writes {@link uncompressedGraph}, a few KB that point into the vision graph's data. @throws `disk` */
export async function writeUncompressedGraph(options: WriteUncompressedOptions): Promise<string> {
  const { directory, data, file = "uncompressed.onnx" } = options;
  const graph = uncompressedGraph(options);
  const shared = new Set(graph.weights.map(({ name }) => name));
  const places = layOutWeights(options.vision.weights).places.filter(({ weight }) => shared.has(weight.name));
  const path = join(directory, file);
  await onDisk(path, writeFile(path, encodeGraph({ graph, places, location: data }), { flush: true }));
  return file;
}
