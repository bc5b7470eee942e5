import { createHash, type Hash } from "node:crypto";
import { hashFile, type HashFileOptions } from "../../core/files/hash-file.ts";
import type { FileDigest } from "./listing.ts";

/** A hash that a file of `size` bytes is fed to, to be compared with `digest.hex`. */
export function startDigest(digest: FileDigest, size: number): Hash {
  if (digest.kind === "sha256") return createHash("sha256");
  // git hashes a blob behind this header (gitformat-object)
  return createHash("sha1").update(`blob ${size}\0`);
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
