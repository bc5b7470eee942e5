/** What a made picture shows. */
interface Scene {
  /** waves across it: about how many, and how strong */
  readonly waves: number;
  readonly contrast: number;
  /** a disc: its middle as parts of the side, its radius, and how much brighter or darker than the rest it is */
  readonly disc: readonly [x: number, y: number, radius: number, light: number];
  /** brightness of the ground, red, green and blue */
  readonly ground: readonly [number, number, number];
  /** half of the range of noise on every value */
  readonly grain: number;
  /** dark strokes in rows, as of text, so many rows; 0 is none */
  readonly rows: number;
}

const SCENES: readonly Scene[] = [
  { waves: 4, contrast: 30, disc: [0.6, 0.4, 0.22, -60], ground: [200, 150, 190], grain: 16, rows: 0 },
  { waves: 0, contrast: 0, disc: [0.5, 0.8, 0.1, -120], ground: [250, 250, 245], grain: 2, rows: 24 },
  { waves: 25, contrast: 70, disc: [0.3, 0.3, 0.2, 80], ground: [90, 120, 60], grain: 30, rows: 0 },
  { waves: 2, contrast: 20, disc: [0.7, 0.6, 0.15, 190], ground: [25, 25, 40], grain: 8, rows: 0 },
  { waves: 9, contrast: 90, disc: [0.5, 0.5, 0.35, 40], ground: [140, 90, 60], grain: 4, rows: 6 },
  { waves: 60, contrast: 40, disc: [0.2, 0.7, 0.3, -50], ground: [170, 180, 210], grain: 60, rows: 0 },
];

/** How many different ones there are. */
export const MADE_PICTURES: number = SCENES.length;

/**
 * A picture made by arithmetic, the same everywhere: soft or busy ground, an edge, grain, or a page with strokes in rows.
 * @param index from 0 to {@link MADE_PICTURES} - 1
 * @returns uint8 [side, side, 3]
 */
export function madePicture(index: number, side: number): Uint8Array {
  const scene = SCENES[index];
  if (scene === undefined) throw new RangeError(`there is no made picture ${index}`);
  const { waves, contrast, disc, ground, grain, rows } = scene;
  const [middleX, middleY, radius, light] = disc;
  const pixels = new Uint8ClampedArray(side * side * 3);
  let state = index + 1;
  for (let at = 0; at < pixels.length; at++) {
    const channel = at % 3;
    const x = (Math.floor(at / 3) % side) / side;
    const y = Math.floor(at / 3 / side) / side;
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; // Numerical Recipes' generator
    const noise = (state / 2 ** 31 - 1) * grain;
    const inside = (x - middleX) ** 2 + (y - middleY) ** 2 < radius ** 2;
    const wave = contrast * Math.sin(6 * waves * (x + 0.3 * channel)) * Math.cos(5 * waves * y);
    const row = rows * y;
    const stroke = rows > 0 && row % 1 < 0.6 && Math.sin(97 * x + 41 * Math.floor(row)) > 0.2;
    pixels[at] = stroke ? 30 + noise : (ground[channel] ?? 0) + (inside ? light : 0) + wave + noise;
  }
  return new Uint8Array(pixels.buffer);
}
