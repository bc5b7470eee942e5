import type { Graph } from "../../src/formats/onnx/builder.ts";
import type { NodeMessage, TensorMessage } from "../../src/formats/onnx/messages.ts";

/** x * SPLIT - (x * SPLIT - x) has 11 of float32's 24 bits, as float16 (Dekker 1971, Veltkamp's splitting). */
const SPLIT = 2 ** 13 + 1;

/**
 * A graph with products in float16 as a device computes it that adds up in float32: operands and results have float16's bits, all in
 * float32. onnxruntime's CPU has no such products, and takes the casts around them away: it would compute them exactly.
 */
export function roundedProducts(graph: Graph): Graph {
  const constant: TensorMessage = {
    name: "split",
    element: "float32",
    shape: [],
    data: { kind: "inline", bytes: new Uint8Array(new Float32Array([SPLIT]).buffer) },
  };
  const halves = new Set(
    graph.weights.filter(({ element }) => element === "float16").map(({ name }) => name),
  );
  const rounded = new Set<string>();
  const nodes = graph.nodes.flatMap((node): NodeMessage[] => {
    const [input = ""] = node.inputs;
    const [output = ""] = node.outputs;
    if (node.operator !== "Cast" || node.name.startsWith("encoder/embeddings/")) return [node];
    if (halves.has(input)) return [node]; // stored so
    rounded.add(output);
    const step = (operator: string, inputs: string[], out: string): NodeMessage => ({
      ...node,
      name: `${node.name}/${out}`,
      operator,
      inputs,
      outputs: [out],
      attributes: {},
    });
    return [
      step("Mul", [input, "split"], `${output}/large`),
      step("Sub", [`${output}/large`, input], `${output}/rest`),
      step("Sub", [`${output}/large`, `${output}/rest`], output),
    ];
  });
  if (rounded.size === 0) throw new Error(`${graph.name} has no products in float16`);
  return { ...graph, nodes, constants: [...graph.constants, constant] };
}
