import sharp from "sharp";

const WIDTH = 1600;
const HEIGHT = 1200;

export const SAMPLE_NAME = "a picture made by arithmetic";

/**
 * A picture made by arithmetic, so that a benchmark needs no file: soft colours, edges and grain of a photograph's kind,
 * the same on every machine.
 * @returns a JPEG of 1600 x 1200 pixels
 */
export async function samplePicture(): Promise<Uint8Array> {
  const pixels = new Uint8Array(WIDTH * HEIGHT * 3);
  let state = 1;
  let at = 0;
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; // Numerical Recipes' generator
      const grain = (state >>> 28) - 8;
      const disc = (x - 1100) ** 2 + (y - 420) ** 2 < 260 ** 2;
      const ground = y > 800 + 60 * Math.sin(x / 170);
      const light = 40 * Math.sin(x / 210) * Math.cos(y / 140);
      pixels[at++] = clamp((disc ? 220 : ground ? 90 : 110 + x / 16) + light + grain);
      pixels[at++] = clamp((disc ? 70 : ground ? 140 : 150 + y / 24) + light + grain);
      pixels[at++] = clamp((disc ? 60 : ground ? 60 : 235 - y / 12) + light / 2 + grain);
    }
  }
  const raw = { width: WIDTH, height: HEIGHT, channels: 3 } as const;
  return new Uint8Array(await sharp(pixels, { raw }).jpeg({ quality: 90 }).toBuffer());
}

function clamp(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}
