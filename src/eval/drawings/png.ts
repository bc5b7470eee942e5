import sharp from "sharp";

/** An SVG file as a PNG of its own size. */
export async function pngOf(svg: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await sharp(svg).removeAlpha().png({ compressionLevel: 1 }).toBuffer());
}
