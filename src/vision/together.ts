import type { EncodedCrops, EncodeOptions, VisionEncoder } from "./encoder.ts";

/**
 * Encodes several pictures as if each were alone, crops of different ones in one run where the encoder takes so many. Only a picture
 * that is alone can be stopped half-way.
 * @throws as `VisionEncoder.encode` does
 */
export async function encodeTogether(
  encoder: Pick<VisionEncoder, "encode">,
  pictures: readonly EncodeOptions[],
): Promise<EncodedCrops[]> {
  const [first, ...others] = pictures;
  if (first === undefined) return [];
  if (others.length === 0) return [await encoder.encode(first)];
  const crops = pictures.reduce((sum, picture) => sum + picture.crops, 0);
  const pixels = new Uint8Array(pictures.reduce((sum, picture) => sum + picture.pixels.length, 0));
  let end = 0;
  for (const picture of pictures) {
    pixels.set(picture.pixels, end);
    end += picture.pixels.length;
  }
  const { features, visualTokens } = await encoder.encode({ pixels, crops });
  let from = 0;
  return pictures.map((picture) => {
    const to = from + picture.crops;
    const part = (values: Float32Array): Float32Array => {
      const length = values.length / crops;
      return values.slice(from * length, to * length); // a copy: the whole would stay in memory as long as any part
    };
    const own = { features: part(features), visualTokens: part(visualTokens) };
    from = to;
    return own;
  });
}
