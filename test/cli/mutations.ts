import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import sharp from "sharp";
import { encoder, noise, seeded } from "../image/make.ts";
import { drawing } from "./binary.ts";

const HEIC = resolve(import.meta.dirname, "../image/heic");

/** One small picture of every format, by what files of it are called. */
export async function everyFormat(): Promise<ReadonlyMap<string, Uint8Array>> {
  const picture = await readFile(drawing("086.png"));
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><circle r="9" cx="20" cy="15"/></svg>';
  const formats: readonly [string, Uint8Array | Promise<Uint8Array>][] = [
    ["jpg", sharp(picture).jpeg().toBuffer()],
    ["progressive.jpg", sharp(picture).jpeg({ progressive: true }).toBuffer()],
    ["png", picture],
    ["palette.png", sharp(picture).png({ palette: true }).toBuffer()],
    ["webp", sharp(picture).webp().toBuffer()],
    ["lossless.webp", sharp(picture).webp({ lossless: true }).toBuffer()],
    [
      "avif",
      encoder(noise(48, 40, 3))
        .avif({ effort: 0 })
        .toBuffer(),
    ],
    ["gif", sharp(picture).gif().toBuffer()],
    ["tiff", sharp(picture).tiff({ compression: "lzw" }).toBuffer()],
    ["deflate.tiff", sharp(picture).tiff({ compression: "deflate", tile: true }).toBuffer()],
    ["svg", Buffer.from(svg)],
    ["heic", readFile(resolve(HEIC, "quarters.heic"))],
    ["grid.heic", readFile(resolve(HEIC, "grid.heic"))],
  ];
  return new Map(await Promise.all(formats.map(async ([name, bytes]) => [name, await bytes] as const)));
}

/** Bytes that lengths, counts and markers are made of. */
const TELLING = [0, 1, 0x7f, 0x80, 0xff];

/**
 * A damaged copy: a few bytes changed (the first ones more often: headers are there), cut off, or a piece of it moved. The
 * first bytes by which a format is known stay.
 */
export function mutated(bytes: Uint8Array, seed: number): Uint8Array {
  const below = seeded(seed);
  const keep = 16;
  const copy = bytes.slice();
  const at = (): number => {
    const reach = below(2) === 0 ? Math.min(400, copy.byteLength) : copy.byteLength;
    return keep + below(Math.max(1, reach - keep));
  };
  switch (below(6)) {
    case 0:
      return copy.subarray(0, keep + below(copy.byteLength - keep));
    case 1: {
      const [from, to] = [at(), at()];
      copy.copyWithin(to, from, from + below(64));
      return copy;
    }
    case 2:
      copy.fill(TELLING[below(TELLING.length)] ?? 0, at(), at());
      return copy;
    default:
      for (let count = 1 + below(8); count > 0; count--) {
        copy[at()] = below(3) === 0 ? below(256) : (TELLING[below(TELLING.length)] ?? 0);
      }
      return copy;
  }
}
