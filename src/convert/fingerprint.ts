import { createHash } from "node:crypto";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * Of a checkpoint too large to read twice: its real path, and the size and time of change of every file in it.
 * @returns lower-case hex; another one as soon as any file is another
 */
export async function checkpointFingerprint(directory: string): Promise<string> {
  const path = await realpath(directory);
  const hash = createHash("sha256").update(`${path}\n`);
  for (const name of (await readdir(path)).sort()) {
    const found = await stat(join(path, name)).catch(() => undefined);
    if (found?.isFile()) hash.update(`${name} ${found.size} ${found.mtimeMs}\n`);
  }
  return hash.digest("hex");
}

/** Names a conversion: the same for two runs exactly when one may go on with the files of the other. */
export function conversionKey(inputs: Readonly<Record<string, unknown>>): string {
  return createHash("sha256").update(JSON.stringify(inputs)).digest("hex");
}
