import type { Attention } from "../engine/api.ts";

/** Everything of an attention that says where its patches lie. */
export type PatchGeometry = Pick<Attention, "crops" | "imageSize" | "patchSize" | "grid">;

/** Where a crop lies on its panel, in the panel's units. */
export interface CropPlace {
  /** its place among the attention's crops */
  readonly crop: number;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * A plane on which crops lie beside each other without overlap, in pixels of the upright picture: `picture`, which the whole
 * crop was squashed from; and, of a model with five, the padded `square` whose quarters the others are.
 */
export interface Panel {
  readonly kind: "picture" | "square";
  readonly width: number;
  readonly height: number;
  /** where the picture's top left corner lies on it: what is beside the picture is padding */
  readonly left: number;
  readonly top: number;
  readonly crops: readonly CropPlace[];
}

export interface PictureSize {
  /** of the upright picture */
  readonly width: number;
  readonly height: number;
}

/** The panels of an attention, as the crops were cut (upstream `process_images` and `expand2square`). */
export function panelsOf({ crops }: Pick<Attention, "crops">, { width, height }: PictureSize): Panel[] {
  const whole = { crop: 0, left: 0, top: 0, width, height };
  const panels: Panel[] = [{ kind: "picture", width, height, left: 0, top: 0, crops: [whole] }];
  if (crops === "squash") return panels;
  const side = Math.max(width, height);
  const half = side / 2;
  const quarters = [0, 1, 2, 3].map((quarter) => ({
    crop: 1 + quarter,
    left: (quarter % 2) * half,
    top: Math.floor(quarter / 2) * half,
    width: half,
    height: half,
  }));
  panels.push({
    kind: "square",
    width: side,
    height: side,
    // an odd remainder of padding goes to the right or below
    left: Math.floor((side - width) / 2),
    top: Math.floor((side - height) / 2),
    crops: quarters,
  });
  return panels;
}

/**
 * The patch that covers a point of a panel.
 * @param x from the panel's left edge, in its units
 * @returns its place in [crops, grid, grid]; undefined where no patch reads: outside, and what is left over at a crop's end
 */
export function patchAt(geometry: PatchGeometry, panel: Panel, x: number, y: number): number | undefined {
  const { imageSize, patchSize, grid } = geometry;
  for (const { crop, left, top, width, height } of panel.crops) {
    if (x < left || y < top || x >= left + width || y >= top + height) continue;
    const column = Math.floor(((x - left) * imageSize) / width / patchSize);
    const row = Math.floor(((y - top) * imageSize) / height / patchSize);
    return column < grid && row < grid ? (crop * grid + row) * grid + column : undefined;
  }
  return undefined;
}

/** The size of a panel whose longer side is to have so many pixels. */
export function scaledTo(side: number, { width, height }: PictureSize): PictureSize {
  const scale = side / Math.max(width, height);
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}

/**
 * The patch under each pixel of a panel that is drawn in some size, by the pixel's middle.
 * @returns int32 [height, width], places in [crops, grid, grid]; -1 where no patch reads
 */
export function patchesUnder(geometry: PatchGeometry, panel: Panel, drawn: PictureSize): Int32Array {
  const out = new Int32Array(drawn.width * drawn.height);
  for (let at = 0; at < out.length; at++) {
    const x = (((at % drawn.width) + 0.5) * panel.width) / drawn.width;
    const y = ((Math.floor(at / drawn.width) + 0.5) * panel.height) / drawn.height;
    out[at] = patchAt(geometry, panel, x, y) ?? -1;
  }
  return out;
}
