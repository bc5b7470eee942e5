import { PROJECTOR } from "../../checkpoint/names.ts";
import type { Value } from "../../formats/onnx/builder.ts";
import type { Layers } from "./layers.ts";

/**
 * Pooled features into the language model's width: Linear, exact GELU, Linear (LLaVA-1.5's `mlp2x_gelu`).
 *
 * @param pooled [N, windows, C]
 * @returns visual tokens [N, windows, hidden]
 */
export function projector(layers: Layers, pooled: Value): Value {
  const inner = layers.graph.gelu(layers.linear(pooled, `${PROJECTOR}.0`), { approximate: "none" });
  return layers.linear(inner, `${PROJECTOR}.2`);
}
