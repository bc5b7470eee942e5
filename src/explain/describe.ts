import type { Attention } from "../engine/api.ts";
import { panelsOf, type PictureSize } from "./panels.ts";
import { measureAttention } from "./shown.ts";

/** What a record says of the map that goes with it. */
export interface AttentionSummary {
  readonly layer: Attention["layer"];
  /** the one that is meant, counted from 1. @default the mean of all, or a layer without queries */
  readonly query?: number;
  /** in bits, and that of attention that is spread evenly */
  readonly entropy: number;
  readonly most_entropy: number;
  /** the strongest patches: how many of how many, and their share of the attention */
  readonly top: { readonly patches: number; readonly of: number; readonly share: number };
}

/** @param query counted from 1. @default the mean of all */
export function summarizeAttention(attention: Attention, query?: number): AttentionSummary {
  const { entropy, mostEntropy, top } = measureAttention(attention, query);
  return {
    layer: attention.layer,
    ...(query !== undefined && { query }),
    entropy: rounded(entropy),
    most_entropy: rounded(mostEntropy),
    top: { ...top, share: rounded(top.share) },
  };
}

/** All of an attention, and where its patches lie, as plain JSON. */
export interface AttentionData extends AttentionSummary {
  /** maps: EmbQ's queries, or one */
  readonly queries: number;
  readonly image_size: number;
  readonly patch_size: number;
  readonly grid: number;
  /** the side of windows in which weights add up to 1. @default each map's do over all crops */
  readonly window?: number;
  /** of the upright picture, in pixels */
  readonly picture: PictureSize;
  /** where each crop lies in the upright picture, in its pixels: quarters reach beyond it, into padding */
  readonly crops: readonly {
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly height: number;
  }[];
  /** [queries][crops][grid][grid], to six digits */
  readonly weights: readonly (readonly (readonly (readonly number[])[])[])[];
}

/** @param query counted from 1: what the summary is of; the weights are all there. @default the mean of all */
export function describeAttention(attention: Attention, picture: PictureSize, query?: number): AttentionData {
  const { queries, imageSize, patchSize, grid, window, weights } = attention;
  const { width, height } = picture;
  const crops = panelsOf(attention, picture).flatMap((panel) =>
    panel.crops.map((crop) => ({
      left: crop.left - panel.left,
      top: crop.top - panel.top,
      width: crop.width,
      height: crop.height,
    })),
  );
  const values = Array.from(weights, rounded);
  const rows = split(values, grid);
  const maps = split(split(rows, grid), crops.length);
  return {
    ...summarizeAttention(attention, query),
    queries,
    image_size: imageSize,
    patch_size: patchSize,
    grid,
    ...(window !== undefined && { window }),
    picture: { width, height },
    crops,
    weights: maps,
  };
}

function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

function split<T>(values: readonly T[], length: number): T[][] {
  return Array.from({ length: values.length / length }, (_, at) =>
    values.slice(at * length, (at + 1) * length),
  );
}
