import { loadSharp, type RgbPicture } from "./decode.ts";

/** Encodes a picture as PNG. @throws `native` when sharp does not load */
export async function encodePng({ pixels, width, height }: RgbPicture): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}
