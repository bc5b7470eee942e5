import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** Bytes of a folder's own files, 0 when it is not there: links count for nothing, because what they lead to stays. */
export async function folderSize(directory: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (entry.isFile())
      sum += (await stat(join(entry.parentPath, entry.name)).catch(() => undefined))?.size ?? 0;
  }
  return sum;
}
