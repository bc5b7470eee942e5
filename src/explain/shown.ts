import { FlashSlothError } from "../core/errors.ts";
import type { Attention } from "../engine/api.ts";

/** One map out of an attention. */
export interface ShownMap {
  /** float32 [crops, grid, grid] */
  readonly weights: Float32Array;
  /** patches that share a weight of 1: all of them, or those of one window */
  readonly shares: number;
}

/**
 * The map that is shown.
 * @param query counted from 1. @default the mean of all
 * @throws `usage` for a query that there is not
 */
export function shownMap(attention: Attention, query?: number): ShownMap {
  const { queries, weights, window } = attention;
  const size = weights.length / queries;
  if (query !== undefined) checkQuery(attention, query);
  const shares = window === undefined ? size : window ** 2;
  if (query !== undefined) return { weights: weights.slice((query - 1) * size, query * size), shares };
  const mean = new Float32Array(size);
  for (let at = 0; at < size; at++) {
    let sum = 0;
    for (let each = 0; each < queries; each++) sum += weights[each * size + at] ?? 0;
    mean[at] = sum / queries;
  }
  return { weights: mean, shares };
}

/** @throws `usage` naming the range */
export function checkQuery({ layer, queries }: Pick<Attention, "layer" | "queries">, query: number): void {
  if (layer === "sap") {
    throw new FlashSlothError("usage", "the pooling (sap) has no queries: its attention is one map");
  }
  if (Number.isInteger(query) && query >= 1 && query <= queries) return;
  throw new FlashSlothError("usage", `there is no query ${query}: they are numbered from 1 to ${queries}`);
}

/** How concentrated a map is. */
export interface AttentionMeasure {
  /** of the weights that add up to 1; of windows the mean, in bits */
  readonly entropy: number;
  /** the entropy of attention that is spread evenly, the most there can be, in bits */
  readonly mostEntropy: number;
  /** the strongest twentieth of the patches, one at least: how many of how many they are, and their share of the attention */
  readonly top: { readonly patches: number; readonly of: number; readonly share: number };
}

/** Of the patches, how many are called the strongest. */
const TOP = 0.05;

/**
 * Says in numbers how concentrated a map is, so that a flat one is known for what it is.
 * @param query counted from 1. @default the mean of all
 */
export function measureAttention(attention: Attention, query?: number): AttentionMeasure {
  const { weights, shares } = shownMap(attention, query);
  const groups = attention.window === undefined ? [weights] : windowsOf(attention, attention.window, weights);
  const patches = Math.ceil(shares * TOP);
  let [entropy, share] = [0, 0];
  for (const group of groups) {
    const sorted = group.toSorted((a, b) => b - a);
    for (const [at, weight] of sorted.entries()) {
      if (weight > 0) entropy -= (weight * Math.log2(weight)) / groups.length;
      if (at < patches) share += weight / groups.length;
    }
  }
  return { entropy, mostEntropy: Math.log2(shares), top: { patches, of: shares, share } };
}

/** The weights of each window. @param weights float32 [crops, grid, grid] */
function windowsOf({ grid }: Attention, window: number, weights: Float32Array): Float32Array[] {
  const across = grid / window;
  const groups = new Map<number, number[]>();
  for (const [at, weight] of weights.entries()) {
    const row = Math.floor(at / grid); // of all crops' rows
    const key = Math.floor(row / window) * across + Math.floor((at % grid) / window);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [weight]);
    else group.push(weight);
  }
  return [...groups.values()].map((group) => Float32Array.from(group));
}
