/** What the first bytes of a file say that it is. The name of the file is never asked. */
export interface Sniffed {
  /** Short and stable: `jpeg`, `png`, `heic`, `text`, … */
  readonly format: string;
  /** For messages, with its article: `a JPEG`, `a PDF document`. */
  readonly name: string;
  /** A still picture, whether or not we can decode it. */
  readonly picture: boolean;
  /** We decode this format. */
  readonly decodes: boolean;
}

/** How many bytes `sniff` wants: an SVG may open with a declaration and a long comment. */
export const HEAD_BYTES = 4096;

interface Signature extends Sniffed {
  /** Bytes as Latin-1 text; `?` stands for any byte. */
  readonly magic: string;
}

const decoded = { picture: true, decodes: true } as const;
const foreign = { picture: true, decodes: false } as const;
const other = { picture: false, decodes: false } as const;

const SIGNATURES: readonly Signature[] = [
  { magic: "\xff\xd8\xff", format: "jpeg", name: "a JPEG", ...decoded },
  { magic: "\x89PNG\r\n\x1a\n", format: "png", name: "a PNG", ...decoded },
  { magic: "RIFF????WEBP", format: "webp", name: "a WebP", ...decoded },
  { magic: "GIF87a", format: "gif", name: "a GIF", ...decoded },
  { magic: "GIF89a", format: "gif", name: "a GIF", ...decoded },
  { magic: "II*\0", format: "tiff", name: "a TIFF", ...decoded },
  { magic: "MM\0*", format: "tiff", name: "a TIFF", ...decoded },
  { magic: "II+\0\b\0", format: "tiff", name: "a TIFF", ...decoded },
  { magic: "MM\0+\0\b", format: "tiff", name: "a TIFF", ...decoded },
  { magic: "BM????\0\0\0\0", format: "bmp", name: "a BMP", ...foreign },
  { magic: "\xff\x0a", format: "jxl", name: "a JPEG XL", ...foreign },
  { magic: "\0\0\0\x0cJXL \r\n\x87\n", format: "jxl", name: "a JPEG XL", ...foreign },
  { magic: "\0\0\0\x0cjP  \r\n\x87\n", format: "jp2", name: "a JPEG 2000", ...foreign },
  { magic: "\xff\x4f\xff\x51", format: "jp2", name: "a JPEG 2000", ...foreign },
  { magic: "8BPS\0", format: "psd", name: "a Photoshop document", ...foreign },
  { magic: "gimp xcf ", format: "xcf", name: "a GIMP document", ...foreign },
  { magic: "\x76\x2f\x31\x01", format: "exr", name: "an OpenEXR", ...foreign },
  { magic: "#?RADIANCE", format: "hdr", name: "a Radiance HDR", ...foreign },
  { magic: "qoif", format: "qoi", name: "a QOI", ...foreign },
  { magic: "DDS |\0\0\0", format: "dds", name: "a DDS texture", ...foreign },
  { magic: "SIMPLE  =", format: "fits", name: "a FITS", ...foreign },
  { magic: "\0\0\x01\0", format: "ico", name: "a Windows icon", ...foreign },
  { magic: "%PDF-", format: "pdf", name: "a PDF document", ...other },
  { magic: "%!PS", format: "ps", name: "a PostScript document", ...other },
  { magic: "PK\x03\x04", format: "zip", name: "a ZIP archive or office document", ...other },
  { magic: "\x1f\x8b", format: "gzip", name: "a gzip archive", ...other },
  { magic: "RIFF????AVI ", format: "avi", name: "an AVI video", ...other },
  { magic: "\x1a\x45\xdf\xa3", format: "matroska", name: "a Matroska or WebM video", ...other },
];

const SVG: Sniffed = { format: "svg", name: "an SVG", ...decoded };
const AVIF: Sniffed = { format: "avif", name: "an AVIF", ...decoded };
const HEIC: Sniffed = { format: "heic", name: "a HEIC", ...decoded };
const CR3: Sniffed = { format: "cr3", name: "a Canon raw photo", ...foreign };
const VIDEO: Sniffed = { format: "mp4", name: "an MP4 or QuickTime video", ...other };
const PNM: Sniffed = { format: "pnm", name: "a PNM (PBM, PGM or PPM)", ...foreign };
const HTML: Sniffed = { format: "html", name: "a web page (HTML)", ...other };
const TEXT: Sniffed = { format: "text", name: "text", ...other };

/**
 * Recognises a file by its content.
 * @param head its first bytes, `HEAD_BYTES` of them or all there are
 * @returns undefined when they look like nothing known
 */
export function sniff(head: Uint8Array): Sniffed | undefined {
  const latin1 = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, HEAD_BYTES)).toString(
    "latin1",
  );
  const known = SIGNATURES.find((signature) => startsWith(latin1, signature.magic));
  if (known) {
    const { format, name, picture, decodes } = known;
    return { format, name, picture, decodes };
  }
  if (latin1.startsWith("ftyp", 4)) return sniffBoxes(latin1);
  if (/^P[1-7][\s#]/.test(latin1)) return PNM;
  return sniffText(latin1);
}

function startsWith(text: string, magic: string): boolean {
  if (text.length < magic.length) return false;
  for (let i = 0; i < magic.length; i++) {
    if (magic[i] !== "?" && magic[i] !== text[i]) return false;
  }
  return true;
}

/** HEIF's family shares one container (ISO/IEC 14496-12); the brands in its first box tell the codec. */
function sniffBoxes(latin1: string): Sniffed {
  const length =
    (latin1.charCodeAt(0) << 24) |
    (latin1.charCodeAt(1) << 16) |
    (latin1.charCodeAt(2) << 8) |
    latin1.charCodeAt(3);
  const box = latin1.slice(8, Math.max(12, Math.min(length, HEAD_BYTES)));
  // major brand, a version number, then the compatible brands, four bytes each
  const brands = new Set(box.match(/[\s\S]{4}/g));
  if (brands.has("avif") || brands.has("avis")) return AVIF;
  if (brands.has("crx ")) return CR3;
  const hevc = ["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs", "mif1", "msf1"];
  return hevc.some((brand) => brands.has(brand)) ? HEIC : VIDEO;
}

function sniffText(latin1: string): Sniffed | undefined {
  const text = latin1.replace(/^\xef\xbb\xbf/, "").trimStart();
  if (/^<[?!a-z]/i.test(text)) {
    if (/^<(!doctype html|html|head|body)\b/i.test(text)) return HTML;
    if (/<(\w+:)?svg[\s>/]/.test(text)) return SVG;
  }
  // oxlint-disable-next-line no-control-regex -- control characters are what tells binary from text
  return text !== "" && !/[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]/.test(latin1) ? TEXT : undefined;
}
