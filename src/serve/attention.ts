import type { Attention, EncodedPicture } from "../engine/api.ts";
import { captionOf, measureLine } from "../explain/captions.ts";
import { shownMap } from "../explain/shown.ts";

/** Where the model looked, as a response says it: what is needed to draw it over the upright picture, see `panelsOf`. */
export interface AttentionBody extends Pick<Attention, "layer" | "crops" | "grid"> {
  /** of the upright picture, in pixels */
  readonly width: number;
  readonly height: number;
  /** sides of a crop and of a patch in it, in pixels */
  readonly image_size: number;
  readonly patch_size: number;
  /** [crops, grid, grid], the mean over EmbQ's queries; rounded to 6 digits */
  readonly weights: readonly number[];
  /** patches that share a weight of 1 */
  readonly shares: number;
  /** what the map is of, and how concentrated it is, in words */
  readonly caption: string;
  readonly measure: string;
}

export function attentionBody(
  attention: Attention,
  { width, height }: Pick<EncodedPicture, "width" | "height">,
): AttentionBody {
  const { layer, crops, grid, imageSize, patchSize } = attention;
  const { weights, shares } = shownMap(attention);
  return {
    layer,
    crops,
    grid,
    width,
    height,
    image_size: imageSize,
    patch_size: patchSize,
    weights: Array.from(weights, (weight) => Number(weight.toPrecision(6))),
    shares,
    caption: captionOf(attention),
    measure: measureLine(attention),
  };
}
