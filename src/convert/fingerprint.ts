import { createHash } from "node:crypto";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * Of a checkpoint too large to read twice: its real path, and the size and time of change of every file in it.
 * @returns lower-case hex; another one as soon as any file is another
 */
export async function checkpointFingerprint(directory: string): Promise<string> {
  const path = await realpath(directory);
  return createHash("sha256")
    .update(`${path}\n${await fileStates(path)}`)
    .digest("hex");
}

/** A line for every file of a folder, sorted by name: its name, its size and the time it was changed. */
export async function fileStates(directory: string): Promise<string> {
  let lines = "";
  for (const name of (await readdir(directory)).sort()) {
    const found = await stat(join(directory, name)).catch(() => undefined);
    if (found?.isFile()) lines += `${name} ${found.size} ${found.mtimeMs}\n`;
  }
  return lines;
}

/** Names a conversion: the same for two runs exactly when one may go on with the files of the other. */
export function conversionKey(inputs: Readonly<Record<string, unknown>>): string {
  return createHash("sha256").update(JSON.stringify(inputs)).digest("hex");
}
