import type { Stats } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { FlashSlothError, messageOf, systemCode } from "../core/errors.ts";
import { HEAD_BYTES, sniff, type Sniffed } from "./sniff.ts";

/**
 * Longest file that is read: an uncompressed 16-bit TIFF of `MAX_PIXELS` with alpha is 1.6 GB, and anything longer is no
 * picture that we would decode.
 */
export const MAX_FILE_BYTES = 2_000_000_000;

/** An encoded picture in memory that was recognised as one we decode. */
export interface PictureSource {
  /** For messages: the path, or what the caller called the bytes. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly kind: Sniffed;
}

export interface ReadPictureOptions {
  /** A path, or the encoded bytes themselves. */
  readonly input: string | Uint8Array;
  /** What messages call it. @default the path, or "the picture" for bytes */
  readonly name?: string | undefined;
}

/**
 * Reads a picture's encoded bytes and recognises them.
 * @throws `image-not-found`, `image-unreadable`, `image-invalid` (empty, or nothing that we decode), `image-too-large`
 */
export async function readPicture(options: ReadPictureOptions): Promise<PictureSource> {
  const { input } = options;
  const name = options.name ?? (typeof input === "string" ? input : "the picture");
  if (typeof input === "string") return await readPictureFile(input, name);
  return { name, bytes: input, kind: recognise(name, input) };
}

/**
 * As `readPicture`, from a file.
 * @param path its bytes, where its name is no text
 * @param name what messages call it
 */
export async function readPictureFile(path: string | Buffer, name: string): Promise<PictureSource> {
  try {
    return await readFromFile(path, name);
  } catch (error) {
    throw pathError(name, error);
  }
}

async function readFromFile(path: string | Buffer, name: string): Promise<PictureSource> {
  // Before opening: opening a pipe would wait for a writer, and a device has no end.
  checkEntry(await stat(path), name);
  const handle = await open(path, "r");
  try {
    return await readOpenPicture(handle, name, typeof path === "string" ? path : undefined);
  } finally {
    await handle.close();
  }
}

/**
 * As `readPicture`, from a file that is open, and stays so.
 * @param name what messages call it
 * @param path for advice, where it has one that is text
 */
export async function readOpenPicture(
  handle: FileHandle,
  name: string,
  path?: string,
): Promise<PictureSource> {
  const entry = await handle.stat();
  checkEntry(entry, name);
  const head = new Uint8Array(Math.min(entry.size, HEAD_BYTES));
  const { bytesRead } = await handle.read(head, 0, head.byteLength, 0);
  const kind = recognise(name, head.subarray(0, bytesRead), path);
  const bytes = new Uint8Array(entry.size);
  let filled = 0;
  while (filled < bytes.byteLength) {
    const part = await handle.read(bytes, filled, bytes.byteLength - filled, filled);
    if (part.bytesRead === 0) break;
    filled += part.bytesRead;
  }
  return { name, bytes: bytes.subarray(0, filled), kind };
}

/** @throws `image-not-found`, `image-unreadable`, `image-too-large` for what is no file, or no picture's */
function checkEntry(entry: Stats, name: string): void {
  if (entry.isDirectory()) {
    throw new FlashSlothError("image-not-found", `${name} is a folder, not a picture`);
  }
  if (!entry.isFile()) {
    throw new FlashSlothError("image-unreadable", `${name} is a pipe or a device, not a file`, {
      hint: "send the picture to standard input and name it -",
    });
  }
  if (entry.size > MAX_FILE_BYTES) {
    const size = `${(entry.size / 1e9).toFixed(1)} GB`;
    throw new FlashSlothError("image-too-large", `${name} is a file of ${size}, too large for a picture`);
  }
}

/**
 * What bytes are, when they are a picture that we decode.
 * @param path for advice: a file's, where they come from one
 * @throws `image-invalid`
 */
export function recognise(name: string, head: Uint8Array, path?: string): Sniffed {
  if (head.byteLength === 0) {
    throw new FlashSlothError("image-invalid", `${name} is empty`);
  }
  const kind = sniff(head);
  if (kind?.decodes) return kind;
  if (!kind?.picture) {
    const looks = kind ? `it looks like ${kind.name}` : "its content is not of a known kind";
    throw new FlashSlothError("image-invalid", `${name} is not a picture: ${looks}`, {
      hint: "pictures may be JPEG, PNG, WebP, AVIF, HEIC, GIF, TIFF or SVG",
    });
  }
  throw new FlashSlothError("image-invalid", `${name} is ${kind.name}, a format that is not decoded here`, {
    hint: conversionHint(path ?? `in.${kind.format}`),
  });
}

/** A command that makes a JPEG of it, ready to paste where `name` is a path. */
function conversionHint(name: string): string {
  const stem = name.replace(/\.[^./\\]*$/, "");
  return `convert it first: magick ${shellQuoted(name)} ${shellQuoted(`${stem}.jpg`)}`;
}

function shellQuoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** A failed look at `path` as an error in plain words; errors of ours pass through. */
export function pathError(path: string, error: unknown): FlashSlothError {
  if (error instanceof FlashSlothError) return error;
  const code = systemCode(error);
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
    case "ENAMETOOLONG":
    case "ERR_INVALID_ARG_VALUE": // a NUL character in the path
      return new FlashSlothError("image-not-found", `no such file or folder: ${path}`, { cause: error });
    case "ELOOP":
      return new FlashSlothError("image-not-found", `${path} is a symbolic link that leads in a circle`, {
        cause: error,
      });
    case "EACCES":
    case "EPERM":
      return new FlashSlothError("image-unreadable", `no permission to read ${path}`, {
        cause: error,
        hint: "look at its permissions, and at those of the folders above it",
      });
    default:
      return new FlashSlothError("image-unreadable", `${path} could not be read: ${messageOf(error)}`, {
        cause: error,
      });
  }
}
