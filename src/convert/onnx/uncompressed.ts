import type { CheckpointConfig } from "../../checkpoint/types.ts";
import type { Graph } from "../../formats/onnx/builder.ts";
import { graphPart, writeGraphPart } from "./part.ts";

export interface UncompressedGraphOptions {
  /** the vision graph as it was written, with scopes `pooling` and `projector` */
  readonly vision: Graph;
  readonly config: Pick<CheckpointConfig, "vision" | "text">;
}

/**
 * The projector of a vision graph on its own, for features that were not pooled: what FlashSloth would cost without
 * compression. `features` float32 [1, patches, C] -> `visual_tokens` float32 [1, patches, hidden].
 * @throws `internal` when the vision graph has no such part, or the part reads more than one value of the rest
 */
export function uncompressedGraph({ vision, config }: UncompressedGraphOptions): Graph {
  const pooled = vision.nodes.findLast(({ name }) => name.startsWith("pooling/"))?.outputs[0];
  const shape = (width: number): number[] => [1, config.vision.grid ** 2, width];
  return graphPart({
    whole: vision,
    name: "uncompressed",
    inputs: [
      {
        value: pooled,
        as: { name: "features", element: "float32", shape: shape(config.vision.hiddenSize) },
      },
    ],
    output: {
      value: "visual_tokens",
      as: { name: "visual_tokens", element: "float32", shape: shape(config.text.hiddenSize) },
    },
  });
}

export interface WriteUncompressedOptions extends UncompressedGraphOptions {
  readonly directory: string;
  /** the vision graph's data file, which holds the weights of both */
  readonly data: string;
  /** @default "uncompressed.onnx" */
  readonly file?: string | undefined;
}

/** Writes {@link uncompressedGraph}. @throws `disk` */
export async function writeUncompressedGraph(options: WriteUncompressedOptions): Promise<string> {
  const { vision, directory, data, file = "uncompressed.onnx" } = options;
  return await writeGraphPart({ part: uncompressedGraph(options), whole: vision, directory, data, file });
}
