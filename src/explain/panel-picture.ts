import type { Attention } from "../engine/api.ts";
import { padToSquare } from "../image/crops.ts";
import type { RgbPicture } from "../image/decode.ts";
import { resample, wholeCanvas } from "../image/resample.ts";
import { patchesUnder, type Panel, type PictureSize } from "./panels.ts";
import { Raster } from "./raster.ts";
import { onScale, over, viridis } from "./scale.ts";
import type { ShownMap } from "./shown.ts";

export interface PanelPictureOptions {
  readonly picture: RgbPicture;
  readonly attention: Attention;
  readonly map: ShownMap;
  readonly panel: Panel;
  readonly drawn: PictureSize;
}

/**
 * A panel's picture in grey with the colours of its patches over it, each patch in its place, without smoothing. Where no patch
 * reads, the picture has its own colours.
 */
export function panelPicture({ picture, attention, map, panel, drawn }: PanelPictureOptions): Raster {
  const { width, height } = drawn;
  const under =
    panel.kind === "square"
      ? padToSquare(picture, width)
      : resample(wholeCanvas(picture.pixels, picture.width), width, height);
  const raster = new Raster(width, height, 0);
  const colours = Array.from(map.weights, (weight) => viridis(onScale(weight * map.shares)));
  for (const [at, patch] of patchesUnder(attention, panel, drawn).entries()) {
    const [red = 0, green = 0, blue = 0] = under.subarray(at * 3, at * 3 + 3);
    const colour = colours[patch];
    raster.pixels.set(
      colour === undefined ? [red, green, blue] : over(greyOf(red, green, blue), colour),
      at * 3,
    );
  }
  return raster;
}

/** ITU-R BT.601 */
function greyOf(red: number, green: number, blue: number): number {
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}
