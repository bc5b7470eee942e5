/** The largest phone cameras take 200 megapixels (16,320 x 12,240). Decoded, that is 600 MB. */
export const MAX_PIXELS = 200_000_000;
