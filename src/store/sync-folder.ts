import { open } from "node:fs/promises";

/** Makes renames inside a folder last through a power cut, where the system lets a folder be opened (not Windows). */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
