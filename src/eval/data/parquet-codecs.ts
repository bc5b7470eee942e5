import * as zlib from "node:zlib";
import { snappyUncompress, type Compressors } from "hyparquet";

/** A page holds a megabyte or a few pictures, never this much. */
const LONGEST_PAGE = 2 ** 30;

type Inflate = (input: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;

/** Node's own, and none that it does not have: zstd came with Node 22.15. */
const ZSTD = (zlib as { readonly zstdDecompressSync?: Inflate }).zstdDecompressSync;

/** How pages are decompressed: Hugging Face's data sets use Snappy. */
export const COMPRESSORS: Compressors = {
  SNAPPY: (input, length) => {
    const output = new Uint8Array(checked(length));
    snappyUncompress(input, output);
    return output;
  },
  GZIP: (input, length) => inflated(zlib.gunzipSync, input, length),
  BROTLI: (input, length) => inflated(zlib.brotliDecompressSync, input, length),
  ...(ZSTD && { ZSTD: (input: Uint8Array, length: number) => inflated(ZSTD, input, length) }),
};

function inflated(inflate: Inflate, input: Uint8Array, length: number): Uint8Array {
  return inflate(input, { maxOutputLength: Math.max(1, checked(length)) });
}

function checked(length: number): number {
  if (length >= 0 && length <= LONGEST_PAGE) return length;
  throw new RangeError(`a page claims to hold ${length} bytes`);
}
