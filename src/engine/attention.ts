import type { ModelGeometry } from "../core/model/manifest.ts";

/**
 * Which attention over the picture: `embq` what the question made EmbQ's queries look at; `sap` which of its patches each visual
 * token was made of, whatever is asked.
 */
export type AttentionLayer = "embq" | "sap";

/** Softmax weights over a picture's patches, and all that is needed to say where those lie. Plain data. */
export interface Attention {
  readonly layer: AttentionLayer;
  /** maps: one for each of EmbQ's queries (9); a single one for SAP */
  readonly queries: number;
  /** `squash`: one crop, the whole picture; `tiles`: that, then the four quarters of the padded square, row by row */
  readonly crops: ModelGeometry["crops"];
  /** side of a crop in pixels (384) */
  readonly imageSize: number;
  /** side of a patch in pixels (14): patches begin at the crop's top left corner, and what is left over at its end no patch covers */
  readonly patchSize: number;
  /** patches in a row of a crop, and in a column (27) */
  readonly grid: number;
  /**
   * Side, in patches, of the windows in each of which the weights add up to 1 (3).
   * @default undefined: each map's weights add up to 1 over all patches of all crops
   */
  readonly window?: number | undefined;
  /** float32 [queries, crops, grid, grid]; of EmbQ the mean over its heads */
  readonly weights: Float32Array;
}

/**
 * The mean over attention heads.
 * @param attention float32 [heads, queries, F]
 * @returns float32 [queries, F]
 */
export function meanOverHeads(attention: Float32Array, queries: number, features: number): Float32Array {
  const size = queries * features;
  const heads = attention.length / size;
  const out = new Float32Array(size);
  for (let at = 0; at < size; at++) {
    let sum = 0;
    for (let head = 0; head < heads; head++) sum += attention[head * size + at] ?? 0;
    out[at] = sum / heads;
  }
  return out;
}

/**
 * Puts the weights of windows where their patches are.
 * @param weights float32 [crops, windows, w²], windows and the patches in them row by row
 * @param grid patches in a row
 * @param window w
 * @returns float32 [crops, grid, grid]
 */
export function windowsToGrid(weights: Float32Array, grid: number, window: number): Float32Array {
  const out = new Float32Array(weights.length);
  const across = grid / window; // windows in a row
  for (let at = 0; at < out.length; at++) {
    const crop = Math.floor(at / grid ** 2);
    const y = Math.floor((at % grid ** 2) / grid);
    const x = at % grid;
    const place = Math.floor(y / window) * across + Math.floor(x / window);
    const inside = (y % window) * window + (x % window);
    out[at] = weights[(crop * across ** 2 + place) * window ** 2 + inside] ?? 0;
  }
  return out;
}
