import { open, type FileHandle } from "node:fs/promises";
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

/** Writes all of `bytes` from `position` of an open file on. @throws `disk` */
export async function writeAt(
  path: string,
  handle: FileHandle,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const left = bytes.byteLength - done;
    const { bytesWritten } = await onDisk(path, handle.write(bytes, done, left, position + done));
    done += bytesWritten;
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
