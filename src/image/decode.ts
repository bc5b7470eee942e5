import type { Sharp, SharpOptions } from "sharp";
import { FlashSlothError, messageOf } from "../core/errors.ts";
import { opaqueGif } from "./gif.ts";
import type { HeicDecoder } from "./heic/decoder.ts";
import { MAX_PIXELS } from "./max-pixels.ts";
import { readPicture, type PictureSource, type ReadPictureOptions } from "./source.ts";

/** libheif has 2 GB for itself, of which a pixel takes up to 10 bytes; phones write HEIC of up to 50 megapixels. */
const MAX_HEIC_PIXELS = 100_000_000;
/** Resampling holds four weights for each pixel of a side: 16 MB at this length. */
const MAX_SIDE = 1_000_000;
/** An SVG has no pixels of its own: its longer side is drawn this long, twice what the HD crops need. */
export const SVG_SIDE = 1536;

export interface DecodePictureOptions extends ReadPictureOptions {
  /** The most pixels that are decoded, from 1 to 200 million. @default 200 million, of HEIC 100 million */
  readonly maxPixels?: number | undefined;
}

/** An upright picture in memory. */
export interface RgbPicture {
  /** uint8 [height, width, 3] */
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * Decodes a picture to 8-bit RGB as the published model's `Image.open(path).convert("RGB")` does, and turns it upright
 * by its EXIF orientation, which the published code leaves out. Alpha is dropped, not blended; grey is repeated; of
 * several frames or pages the first is taken; colour profiles are ignored. PNG, JPEG, WebP and GIF agree bit for bit. On
 * purpose different: 16-bit grey keeps its high byte (Pillow clips nearly all of it to white), CMYK goes through a
 * standard print profile, and SVG, which Pillow does not read, is drawn on white.
 * @throws `image-not-found`, `image-unreadable`, `image-invalid`, `image-too-large`; `native` when sharp does not load
 */
export async function decodePicture(options: DecodePictureOptions): Promise<RgbPicture> {
  const source = await readPicture(options);
  const { maxPixels = MAX_PIXELS } = options;
  if (source.kind.format === "heic") return await decodeHeic(source, Math.min(maxPixels, MAX_HEIC_PIXELS));
  const sharp = await loadSharp();
  const input = source.kind.format === "gif" ? opaqueGif(source.bytes) : source.bytes;
  const settings: SharpOptions = { ignoreIcc: true, failOn: "error", limitInputPixels: false };
  try {
    const header = await sharp(input, settings).metadata();
    const { width, height } = header;
    if (source.kind.format === "svg") {
      // 72 dots an inch draw an SVG at its own size
      const density = Math.min(100_000, Math.max(1, (72 * SVG_SIDE) / Math.max(width, height)));
      checkSize(source, (width * density) / 72, (height * density) / 72, maxPixels);
      return await toRgb(sharp(input, { ...settings, density }).flatten({ background: "white" }));
    }
    checkSize(source, width, height, maxPixels);
    return await toRgb(sharp(input, { ...settings, autoOrient: true }).removeAlpha());
  } catch (error) {
    throw decodeError(source, error);
  }
}

/** HEIC, whose codec is not in sharp's prebuilt libraries. The file's own turns count, and not EXIF's, by its standard. */
async function decodeHeic(source: PictureSource, maxPixels: number): Promise<RgbPicture> {
  const { HeicDecoder } = await import("./heic/decoder.ts");
  heic ??= new HeicDecoder();
  const reply = await heic.decode({ bytes: source.bytes, maxPixels });
  if ("unavailable" in reply) {
    throw new FlashSlothError(
      "native",
      `libheif-js, which decodes HEIC, does not load: ${reply.unavailable}`,
      {
        hint: "install it: npm install libheif-js",
      },
    );
  }
  if ("failed" in reply) throw decodeError(source, new Error(reply.failed));
  const { width, height, pixels } = reply;
  checkSize(source, width, height, maxPixels);
  if (pixels === undefined) throw decodeError(source, new Error("too large"));
  return { width, height, pixels };
}

let heic: HeicDecoder | undefined;

/** @throws `native` when it does not load */
export async function loadSharp(): Promise<typeof import("sharp").default> {
  try {
    const { default: sharp } = await import("sharp");
    // No picture is decoded twice, and one thread a picture keeps the allocator's arenas, and so memory, from growing.
    sharp.cache(false);
    sharp.concurrency(1);
    return sharp;
  } catch (error) {
    throw new FlashSlothError("native", `sharp, which decodes pictures, does not load: ${messageOf(error)}`, {
      cause: error,
      hint: "install it for this platform: npm install --include=optional sharp",
    });
  }
}

/** From the header, before anything is decoded: a bomb of a few kilobytes may claim gigabytes. */
function checkSize(source: PictureSource, width: number, height: number, most: number): void {
  const tooMany = width * height > most;
  if (!tooMany && Math.max(width, height) <= MAX_SIDE) return;
  const size = `${width.toLocaleString("en")} x ${height.toLocaleString("en")} pixels`;
  const limit = tooMany ? `${most / 1e6} megapixels` : `${MAX_SIDE.toLocaleString("en")} a side`;
  throw new FlashSlothError("image-too-large", `${source.name} has ${size}; at most ${limit} are decoded`, {
    hint: "make it smaller first: the model looks at a few hundred pixels a side",
  });
}

async function toRgb(picture: Sharp): Promise<RgbPicture> {
  const { data, info } = await picture.toColourspace("srgb").raw().toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) {
    throw new FlashSlothError("internal", `the decoder gave ${info.channels} channels in place of 3`);
  }
  const pixels = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { pixels, width: info.width, height: info.height };
}

/** Containers with kinds inside that sharp does not decode, however intact. */
const MANY_KINDS: ReadonlySet<string> = new Set(["tiff", "avif", "heic"]);

function decodeError(source: PictureSource, error: unknown): FlashSlothError {
  if (error instanceof FlashSlothError) return error;
  const { format, name } = source.kind;
  const orForeign = MANY_KINDS.has(format) ? ", or of a kind that is not decoded here" : "";
  const reason = decoderReason(error);
  return new FlashSlothError(
    "image-invalid",
    `${source.name} is ${name} that is truncated or damaged${orForeign}${reason && ` (${reason})`}`,
    { cause: error, hint: "copy or download it again, or open it in an image editor and save it as PNG" },
  );
}

/** The last thing that the decoder said, without what it says of every failure. */
function decoderReason(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error))
    .split("\n")
    .map((line) => line.trim());
  const last = lines.findLast((line) => /[a-z]{3}/i.test(line)) ?? "";
  const reason = last.replace(
    /^Input (buffer|file) (has corrupt header:?|contains unsupported image format)\s*/,
    "",
  );
  return reason === "Unknown error" ? "" : reason;
}
