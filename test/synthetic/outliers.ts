import { VISION, VISION_BLOCKS } from "../../src/checkpoint/names.ts";
import type { Shape } from "../../src/core/model/shape.ts";

/** One channel in so many sticks out. */
const SPACING = 192;

/** How far the channels of a tensor stick out, one after the other and again from the first. */
function strengths(name: string): readonly number[] {
  if (!name.startsWith(VISION)) return [];
  if (name === `${VISION}.embeddings.patch_embedding.bias`) return [50];
  if (!name.startsWith(VISION_BLOCKS)) return [];
  if (/\.layer_norm[12]\.weight$/.test(name)) return [32, 48, 64];
  if (/\.mlp\.fc1\.(?:weight|bias)$/.test(name)) return [20, 40];
  if (/\.self_attn\.v_proj\.(?:weight|bias)$/.test(name)) return [4, 8];
  return [];
}

/**
 * What the values of a tensor's rows are multiplied by where outlier channels are planted in the vision encoder, as trained
 * transformers have them: gains of the layer norms that are tens of times the others', in the same channels of every block
 * (Dettmers et al. 2022, arXiv 2208.07339; for vision transformers Li et al. 2023, arXiv 2212.08254), channels of the residual
 * stream that are large whatever the picture shows (Sun et al. 2024, arXiv 2402.17762), and large channels within the MLP and
 * the attention's values.
 * @returns one factor for each element of the first axis; undefined for a tensor that stays as it is
 */
export function outlierFactors(name: string, [rows = 0]: Shape): Float32Array | undefined {
  const factors = strengths(name);
  if (factors.length === 0) return undefined;
  const out = new Float32Array(rows).fill(1);
  const planted = Math.max(2, Math.round(rows / SPACING));
  for (let k = 0; k < planted; k++) {
    out[Math.floor(((k + 0.5) * rows) / planted)] = factors[k % factors.length] ?? 1;
  }
  return out;
}
