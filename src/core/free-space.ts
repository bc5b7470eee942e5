import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCode } from "./errors.ts";

/** Bytes that a user may still write to the disk of `path`, which need not exist yet; undefined if the system does not say. */
export async function freeBytes(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch (error) {
    const parent = dirname(path);
    return systemCode(error) === "ENOENT" && parent !== path ? freeBytes(parent) : undefined;
  }
}
