import { open } from "node:fs/promises";
import { diskError } from "./bytes.ts";
import { systemCode } from "../errors.ts";

/** `work` on the file or folder at `path`. @throws `disk` where the system refuses it */
export async function onDisk<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw diskError(path, error);
  }
}

/** Makes renames inside a folder last through a power cut, where the system lets a folder be opened (not Windows). */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  try {
    await syncFile(path, "r");
  } catch (error) {
    if (!["EISDIR", "EPERM", "EACCES", "EINVAL"].includes(systemCode(error) ?? "")) throw error;
  }
}

/** Waits until the disk has what a file holds. */
export async function syncFile(path: string, flags: "r" | "r+" = "r+"): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
