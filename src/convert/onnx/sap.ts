import { SAP } from "../../checkpoint/names.ts";
import type { CheckpointConfig } from "../../checkpoint/types.ts";
import type { Value } from "../../formats/onnx/builder.ts";
import type { Layers } from "./layers.ts";

/**
 * Spatial attention pooling: each window of `w` x `w` neighbouring features becomes their average, weighted by
 * the softmax of a small network's scores. FlashSloth, arXiv 2412.04317, section 3.
 *
 * @param features [N, grid * grid, C], the grid row by row
 * @returns [N, (grid / w)², C], the windows row by row
 */
export function spatialAttentionPooling(
  layers: Layers,
  config: Pick<CheckpointConfig, "vision" | "sap">,
  features: Value,
): Value {
  const g = layers.graph;
  const w = config.sap.window;
  const c = config.vision.hiddenSize;
  const side = config.vision.grid / w; // windows in a row

  // The w features of one window in one grid row lie together, so that only two axes need to change places.
  const stripes = g.reshape(features, [-1, w, side, w * c]); // [N * side, row in window, window, w * C]
  const gathered = g.transpose(stripes, [0, 2, 1, 3]); // [N * side, window, row in window, w * C]
  const windows = g.reshape(gathered, [-1, side * side, w * w, c]); // [N, windows, w², C]

  const inner = g.relu(layers.linear(windows, `${SAP}.0`)); // [N, windows, w², C]
  const scores = layers.linear(inner, `${SAP}.3`); // [N, windows, w², 1]
  const row = g.reshape(scores, [0, 0, 1, w * w]); // [N, windows, 1, w²]
  const weights = g.softmax(row, { axis: -1 });
  const pooled = g.matmul(weights, windows); // [N, windows, 1, C]
  return g.reshape(pooled, [0, 0, c]);
}
