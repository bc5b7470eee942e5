import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { FlashSlothError, systemCode } from "../errors.ts";
import { showBytes } from "../show-bytes.ts";

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

/** Room that some work needs on a disk. */
export interface SpaceNeed {
  /** need not exist yet */
  readonly folder: string;
  readonly bytes: number;
  /** What for, in words that follow the number: `to convert`. */
  readonly purpose: string;
  /** Where to free them or what else helps, in words that follow the number: ` there`. */
  readonly remedy: string;
}

/** `8.1 GB needed to convert, 3.0 GB free in …` */
export function showNeed({ folder, bytes, purpose }: SpaceNeed, free: number): string {
  return `${showBytes(bytes)} needed ${purpose}, ${showBytes(free)} free in ${folder}`;
}

/** @throws `disk` with what is needed and what is there */
export async function requireSpace(need: SpaceNeed): Promise<void> {
  const free = await freeBytes(need.folder);
  if (free === undefined || free >= need.bytes) return;
  throw new FlashSlothError("disk", `not enough disk space: ${showNeed(need, free)}`, {
    hint: `free ${showBytes(need.bytes - free)}${need.remedy} and run the command again`,
  });
}
