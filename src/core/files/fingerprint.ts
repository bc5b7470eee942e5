import { createHash } from "node:crypto";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * Of a folder too large to read: its real path, and the name, size and time of change of every file in it.
 * @param context what else makes a difference, if anything does
 * @returns lower-case hex; another one as soon as any file is another
 */
export async function folderFingerprint(directory: string, ...context: readonly string[]): Promise<string> {
  const path = await realpath(directory);
  let lines = "";
  for (const name of (await readdir(path)).sort()) {
    const found = await stat(join(path, name)).catch(() => undefined);
    if (found?.isFile()) lines += `${name} ${found.size} ${found.mtimeMs}\n`;
  }
  return createHash("sha256")
    .update([...context, path, lines].join("\n"))
    .digest("hex");
}
