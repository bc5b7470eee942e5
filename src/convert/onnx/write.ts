import type { Checkpoint, CheckpointConfig } from "../../checkpoint/types.ts";
import type { Arithmetic } from "../../core/model/device.ts";
import { type Graph, GraphBuilder, type Value } from "../../formats/onnx/builder.ts";
import { type GraphFiles, writeGraph, type WriteOptions } from "../../formats/onnx/write.ts";
import { embq } from "./embq.ts";
import { Layers, type MatrixWeights } from "./layers.ts";
import { projector } from "./projector.ts";
import { spatialAttentionPooling } from "./sap.ts";
import { siglip } from "./siglip.ts";

export interface ConvertGraphOptions extends WriteOptions {
  readonly checkpoint: Checkpoint;
  /** an existing folder */
  readonly directory: string;
  /** Name of the graph file; its weights lie beside it in `<file>.data`. @default "vision.onnx" or "embq.onnx" */
  readonly file?: string | undefined;
}

export interface VisionGraphOptions {
  readonly checkpoint: Checkpoint;
  /**
   * Crops that one run takes, N. A fixed number is what CoreML needs: it leaves every reshape of a graph with
   * open sizes to the CPU, and so cuts it to pieces. onnxruntime could fix an open one when it loads a graph, but its package for
   * Node passes no `freeDimensionOverrides` on (1.30): there is a graph for each. @default 1
   */
  readonly crops?: number | "any" | undefined;
  /** Of the encoder's matrices; pooling and projector are float32 in any case. @default "fp32" */
  readonly weights?: MatrixWeights | undefined;
  /** What the encoder's products are computed in, with either kind of float weights stored alike. @default "float32" */
  readonly arithmetic?: Arithmetic | undefined;
}

/**
 * Encoder, pooling and projector in one graph:
 * `pixels` uint8 [N, S, S, 3] -> `features` float32 [N, patches, C] and `visual_tokens` float32 [N, windows, hidden].
 */
export function visionGraph({ checkpoint, crops = 1, weights, arithmetic }: VisionGraphOptions): Graph {
  const { vision, sap, text } = checkpoint.config;
  const g = new GraphBuilder("vision");
  const layers = new Layers(g, checkpoint);
  const n = crops === "any" ? "N" : crops;
  const pixels = g.input("pixels", "uint8", [n, vision.imageSize, vision.imageSize, 3]);
  const features = g.scope("encoder", () =>
    siglip(new Layers(g, checkpoint, { weights, arithmetic }), vision, pixels),
  );
  const tokens = compress(layers, checkpoint.config, features);
  g.output("features", features, [n, vision.grid ** 2, vision.hiddenSize]);
  g.output("visual_tokens", tokens, [n, (vision.grid / sap.window) ** 2, text.hiddenSize]);
  return g.build();
}

/** Pooling and projector: features [N, patches, C] -> visual tokens [N, windows, hidden]. */
export function compress(layers: Layers, config: CheckpointConfig, features: Value): Value {
  const g = layers.graph;
  const pooled = g.scope("pooling", () => spatialAttentionPooling(layers, config, features));
  return g.scope("projector", () => projector(layers, pooled));
}

/** `queries` [Q, hidden], `text` [T, hidden], `features` [F, C] -> `queries_out` [Q, hidden], all float32. */
export function embqGraph(checkpoint: Checkpoint): Graph {
  const { embq: config, vision, text } = checkpoint.config;
  const g = new GraphBuilder("embq");
  const queries = g.input("queries", "float32", [config.queries, text.hiddenSize]);
  const question = g.input("text", "float32", ["T", text.hiddenSize]);
  const features = g.input("features", "float32", ["F", vision.hiddenSize]);
  const out = embq(new Layers(g, checkpoint), config, { queries, text: question, features });
  g.output("queries_out", out, [config.queries, text.hiddenSize]);
  return g.build();
}

/** Writes {@link visionGraph}, one tensor in memory at a time. @throws as `writeGraph` and the checkpoint do */
export async function writeVisionGraph(
  options: ConvertGraphOptions & Pick<VisionGraphOptions, "crops" | "weights">,
): Promise<GraphFiles> {
  const { checkpoint, crops, weights, file = "vision.onnx", ...rest } = options;
  return await writeGraph({ ...rest, file, graph: visionGraph({ checkpoint, crops, weights }) });
}

/** Writes {@link embqGraph}, one tensor in memory at a time. @throws as `writeGraph` and the checkpoint do */
export async function writeEmbqGraph(options: ConvertGraphOptions): Promise<GraphFiles> {
  const { checkpoint, file = "embq.onnx", ...rest } = options;
  return await writeGraph({ ...rest, file, graph: embqGraph(checkpoint) });
}
