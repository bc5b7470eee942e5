import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { FileDigest } from "./listing.ts";

/** 1 MiB: large enough that the hash, not the call, costs the time. */
const READ_BYTES = 1024 * 1024;

/** A hash that a file of `size` bytes is fed to, to be compared with `digest.hex`. */
export function startDigest(digest: FileDigest, size: number): Hash {
  if (digest.kind === "sha256") return createHash("sha256");
  // git hashes a blob behind this header (gitformat-object)
  return createHash("sha1").update(`blob ${size}\0`);
}

export interface HashFileOptions {
  readonly onBytes?: ((done: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Feeds a file's bytes to `hash`; how many there were. */
export async function hashFile(path: string, hash: Hash, options: HashFileOptions = {}): Promise<number> {
  const { onBytes, signal } = options;
  let done = 0;
  const stream = createReadStream(path, { highWaterMark: READ_BYTES, ...(signal && { signal }) });
  for await (const piece of stream as AsyncIterable<Buffer>) {
    hash.update(piece);
    done += piece.byteLength;
    onBytes?.(done);
  }
  return done;
}

/** Whether the file at `path` has exactly these bytes. */
export async function fileMatches(
  path: string,
  size: number,
  digest: FileDigest,
  options: HashFileOptions = {},
): Promise<boolean> {
  const hash = startDigest(digest, size);
  return (await hashFile(path, hash, options)) === size && hash.digest("hex") === digest.hex;
}
