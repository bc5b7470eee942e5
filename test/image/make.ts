import { deflateSync } from "node:zlib";
import sharp, { type Sharp } from "sharp";
import { random } from "../random.ts";

const NOBODY = 65_534;

export interface NoisePicture {
  /** uint8 [height, width, 3] */
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** The same numbers on every run. @returns integers below `limit` */
export function seeded(seed: number): (limit: number) => number {
  const next = random(seed);
  return (limit) => Math.floor(next() * limit);
}

export function noise(width: number, height: number, seed: number): NoisePicture {
  const below = seeded(seed);
  return { pixels: Uint8Array.from({ length: width * height * 3 }, () => below(256)), width, height };
}

export function encoder(picture: NoisePicture): Sharp {
  const { width, height } = picture;
  return sharp(picture.pixels, { raw: { width, height, channels: 3 } });
}

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** bits a sample */
  readonly depth: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha */
  readonly colour: number;
}

/** A PNG from its header and its unfiltered rows, written by hand: headers may lie. */
export function png(
  header: PngHeader,
  rows: Uint8Array,
  extra: readonly [string, Uint8Array][] = [],
): Uint8Array {
  const ihdr = Buffer.alloc(13);
  ihdr.writeUInt32BE(header.width, 0);
  ihdr.writeUInt32BE(header.height, 4);
  ihdr[8] = header.depth;
  ihdr[9] = header.colour;
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", ihdr),
    ...extra.map(([type, body]) => chunk(type, body)),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", new Uint8Array()),
  ]);
}

function chunk(type: string, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + body.byteLength);
  bytes.writeUInt32BE(body.byteLength, 0);
  bytes.write(type, 4, "latin1");
  bytes.set(body, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), 8 + body.byteLength);
  return bytes;
}

function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return ~crc >>> 0;
}

/** Runs `action` without root's right to read everything; as another user it is simply run. */
export async function asOrdinaryUser<T>(action: () => Promise<T>): Promise<T> {
  const { geteuid, seteuid } = process;
  if (!seteuid || geteuid?.() !== 0) return action();
  seteuid(NOBODY);
  try {
    return await action();
  } finally {
    seteuid(0);
  }
}
