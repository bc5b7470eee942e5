import { open, rename, rm } from "node:fs/promises";

/**
 * Writes a file whole: under another name first, then renamed over what is there.
 * @param beside a name of nobody else's in the same folder; nothing is left under it
 * @throws the system's error
 */
export async function replaceFile(path: string, beside: string, content: string | Uint8Array): Promise<void> {
  try {
    const file = await open(beside, "wx");
    try {
      await file.writeFile(content);
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
