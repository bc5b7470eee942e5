import { cropCount, type ModelGeometry } from "../core/model/manifest.ts";
import type { RgbPicture } from "./decode.ts";
import { resample, wholeCanvas } from "./resample.ts";

/** How a picture becomes crops: one squashed to the square, or that and four tiles of a padded square. */
export type CropPlan = ModelGeometry["crops"];

/** Colour of the padding: the mean of SigLIP's normalisation, 0.5, as upstream writes it in 8 bits. */
const PADDING = 127;

/**
 * The square crops that the vision encoder sees (upstream `process_images` and `expand2square`).
 * `squash`: the whole picture, its aspect ratio ignored. `tiles`: that, then the picture on a centred grey square, resized
 * to twice the side and cut in four: top left, top right, bottom left, bottom right.
 * @param side S, in pixels
 * @returns uint8 [crops, S, S, 3]
 */
export function cutCrops(picture: RgbPicture, side: number, plan: CropPlan): Uint8Array {
  const cropBytes = side * side * 3;
  const crops = new Uint8Array(cropCount({ crops: plan }) * cropBytes);
  crops.set(squash(picture, side), 0);
  if (plan === "tiles") {
    const square = padToSquare(picture, 2 * side); // [2S, 2S, 3]
    for (let tile = 0; tile < 4; tile++) {
      const target = crops.subarray((1 + tile) * cropBytes, (2 + tile) * cropBytes);
      cutTile(square, side, tile, target);
    }
  }
  return crops;
}

/** @returns uint8 [side, side, 3] */
function squash(picture: RgbPicture, side: number): Uint8Array {
  return resample(wholeCanvas(picture.pixels, picture.width), side, side);
}

/**
 * The picture on a centred grey square, resized.
 * @returns uint8 [side, side, 3]; an odd remainder of padding goes to the right or below
 */
export function padToSquare(picture: RgbPicture, side: number): Uint8Array {
  const longer = Math.max(picture.width, picture.height);
  const left = Math.floor((longer - picture.width) / 2);
  const top = Math.floor((longer - picture.height) / 2);
  const canvas = { ...picture, canvasWidth: longer, canvasHeight: longer, left, top, grey: PADDING };
  return resample(canvas, side, side);
}

/** Copies one quarter of `square` [2S, 2S, 3] into `target` [S, S, 3]; quarters count row by row. */
function cutTile(square: Uint8Array, side: number, tile: number, target: Uint8Array): void {
  const left = (tile % 2) * side;
  const top = Math.floor(tile / 2) * side;
  for (let y = 0; y < side; y++) {
    const from = ((top + y) * 2 * side + left) * 3;
    target.set(square.subarray(from, from + side * 3), y * side * 3);
  }
}
