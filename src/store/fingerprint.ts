import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileStates } from "../convert/fingerprint.ts";
import { FORMAT_VERSION } from "../core/manifest.ts";
import { PRODUCT } from "../core/version.ts";

/** Hex digits kept of a fingerprint: 64 bits, no accident within one store. */
const LENGTH = 16;

/** Of what is in the files of a small folder: changes with any byte, and with the release that converts it. */
export async function contentFingerprint(directory: string): Promise<string> {
  const hash = createHash("sha256").update(`${PRODUCT}, format ${FORMAT_VERSION}\n`);
  for (const name of (await readdir(directory)).sort()) {
    const bytes = await readFile(join(directory, name));
    hash.update(`${name} ${bytes.byteLength}\n`).update(bytes);
  }
  return hash.digest("hex").slice(0, LENGTH);
}

/** Of a folder too large to read: its real path, and the size and time of change of every file in it. */
export async function folderFingerprint(realPath: string): Promise<string> {
  const files = await fileStates(realPath);
  return createHash("sha256")
    .update(`format ${FORMAT_VERSION}\n${realPath}\n${files}`)
    .digest("hex")
    .slice(0, LENGTH);
}
