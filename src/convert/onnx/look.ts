import type { CheckpointConfig } from "../../checkpoint/types.ts";
import { FlashSlothError } from "../../core/errors.ts";
import type { Graph } from "../../formats/onnx/builder.ts";
import { graphPart } from "./part.ts";

/**
 * EmbQ's attention over the picture, up to its softmax: `queries` [Q, hidden], `text` [T, hidden], `features` [F, C] ->
 * `attention` [1, heads, Q, F], each row of which adds up to 1; all float32.
 * @param embq the EmbQ graph as it was written, with a scope `picture`
 */
export function embqLookGraph(embq: Graph, config: Pick<CheckpointConfig, "embq">): Graph {
  const { heads, queries } = config.embq;
  return graphPart({
    whole: embq,
    name: "embq.look",
    inputs: embq.inputs.map((as) => ({ value: as.name, as })),
    output: {
      value: softmaxIn(embq, "picture"),
      as: { name: "attention", element: "float32", shape: [1, heads, queries, "F"] },
    },
  });
}

/**
 * The weights that spatial attention pooling gives the patches of each window: `features` float32 [1, patches, C] ->
 * `attention` float32 [1, windows, 1, w²], each row of which adds up to 1.
 * @param vision the vision graph as it was written, with a scope `pooling`
 */
export function sapLookGraph(vision: Graph, config: Pick<CheckpointConfig, "vision" | "sap">): Graph {
  const { grid, hiddenSize } = config.vision;
  const { window } = config.sap;
  return graphPart({
    whole: vision,
    name: "sap.look",
    inputs: [
      { value: "features", as: { name: "features", element: "float32", shape: [1, grid ** 2, hiddenSize] } },
    ],
    output: {
      value: softmaxIn(vision, "pooling"),
      as: { name: "attention", element: "float32", shape: [1, (grid / window) ** 2, 1, window ** 2] },
    },
  });
}

/** The value that the one softmax of a scope gives. */
function softmaxIn({ name: graph, nodes }: Graph, scope: string): string {
  const found = nodes.filter(({ name, operator }) => operator === "Softmax" && name.startsWith(`${scope}/`));
  const [value] = found.flatMap(({ outputs }) => outputs);
  if (found.length === 1 && value !== undefined) return value;
  throw new FlashSlothError("internal", `the ${graph} graph has ${found.length} attentions in ${scope}`);
}
