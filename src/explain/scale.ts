import { interpolateViridis } from "d3-scale-chromatic";

/** Red, green, blue: 0 to 255. */
export type Colour = readonly [number, number, number];

/**
 * The one scale of all maps: a patch's weight in multiples of an even share, from a quarter of it to 32 times, by octaves. What is
 * less or more has the colour of the end. It is the same for every map, so that one that is flat looks flat.
 */
export const SCALE_TICKS: readonly number[] = [1 / 4, 1 / 2, 1, 2, 4, 8, 16, 32];

const LOWEST = Math.log2(1 / 4);
const HIGHEST = Math.log2(32);

/** Where on the scale a multiple of an even share is: 0 to 1. */
export function onScale(multiple: number): number {
  if (!(multiple > 0)) return 0;
  return Math.min(1, Math.max(0, (Math.log2(multiple) - LOWEST) / (HIGHEST - LOWEST)));
}

/** Viridis, which grows lighter evenly (van der Walt and Smith 2015), at 0 to 1. */
export function viridis(at: number): Colour {
  const [red = 0, green = 0, blue = 0] = (interpolateViridis(at).match(/[\da-f]{2}/gi) ?? []).map((hex) =>
    Number.parseInt(hex, 16),
  );
  return [red, green, blue];
}

/** How much of a coloured pixel is the colour; the rest is the picture in grey. */
export const OPACITY = 0.65;
/** What is left of the picture's contrast: a dark shape must not look like little attention. */
const CONTRAST = 0.5;
export const MIDDLE_GREY = 128;

/** A colour over a grey, 0 to 255. */
export function over(grey: number, colour: Colour): Colour {
  const under = MIDDLE_GREY + (grey - MIDDLE_GREY) * CONTRAST;
  const mix = (channel: number): number => Math.round(under + (channel - under) * OPACITY);
  return [mix(colour[0]), mix(colour[1]), mix(colour[2])];
}
