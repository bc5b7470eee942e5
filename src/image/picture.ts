import { createHash } from "node:crypto";
import { cropCount } from "../core/model/manifest.ts";
import { cutCrops, type CropPlan } from "./crops.ts";
import { decodePicture } from "./decode.ts";

export interface PreparePictureOptions {
  /** A path, or the encoded bytes (JPEG, PNG, …). */
  readonly input: string | Uint8Array;
  /** S, the side of one crop in pixels. */
  readonly imageSize: number;
  readonly crops: CropPlan;
  /** What messages call the picture. @default the path, or "the picture" for bytes */
  readonly name?: string | undefined;
  /** The most pixels that are decoded. @default 200 million, of HEIC 100 million */
  readonly maxPixels?: number | undefined;
}

/** What the vision encoder takes: normalisation is the first thing in its graph. */
export interface PreparedPicture {
  /** uint8 [crops, S, S, 3] */
  readonly pixels: Uint8Array;
  readonly crops: number;
  /** S */
  readonly size: number;
  /** the upright picture's own size */
  readonly width: number;
  readonly height: number;
  /** What `digestOf` makes of the pixels: pictures that the encoder sees alike have the same. */
  readonly digest: string;
}

/** Stands for what the vision encoder sees of a picture: uint8 [crops, size, size, 3]. About 1 ms a MB. */
export function digestOf({
  pixels,
  crops,
  size,
}: Pick<PreparedPicture, "pixels" | "crops" | "size">): string {
  return createHash("sha256").update(`${crops} ${size} `).update(pixels).digest("hex");
}

/**
 * From a file or its bytes to the crops that the vision encoder sees.
 * @throws `image-not-found`, `image-unreadable`, `image-invalid`, `image-too-large`; `native` when sharp does not load
 */
export async function preparePicture(options: PreparePictureOptions): Promise<PreparedPicture> {
  const picture = await decodePicture(options);
  const seen = {
    pixels: cutCrops(picture, options.imageSize, options.crops),
    crops: cropCount(options),
    size: options.imageSize,
  };
  return { ...seen, width: picture.width, height: picture.height, digest: digestOf(seen) };
}
