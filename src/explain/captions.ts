import type { Attention } from "../engine/api.ts";
import { measureAttention, type AttentionMeasure } from "./shown.ts";

/** What a map is of. @param query counted from 1. @default the mean of all */
export function captionOf({ layer, queries, window }: Attention, query?: number): string {
  if (layer === "sap") return `SAP attention in windows of ${window ?? 1} x ${window ?? 1} patches`;
  return query === undefined
    ? `EmbQ attention, mean of ${queries} queries`
    : `EmbQ attention, query ${query} of ${queries}`;
}

/** How concentrated it is, in words. */
export function measureLine(attention: Attention, query?: number): string {
  const { entropy, mostEntropy, top } = measureAttention(attention, query);
  const patches = `top ${top.patches} of ${top.of} patches: ${percent(top.share)}`;
  return `entropy ${entropy.toFixed(2)} of ${mostEntropy.toFixed(2)} bits; ${patches}`;
}

export const SCALE_CAPTION = "times an even share";

/** A tick's label: `1/4`, `8`. */
export function tickLabel(multiple: number): string {
  return multiple < 1 ? `1/${Math.round(1 / multiple)}` : String(multiple);
}

function percent(share: AttentionMeasure["top"]["share"]): string {
  return `${Math.round(share * 100)} %`;
}
