import { createHash } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { diskError } from "../core/files/bytes.ts";
import { systemCode } from "../core/errors.ts";

/** What an entry stands for: everything that could change its content. */
export interface CacheKey {
  /** the model it goes with when that is removed */
  readonly model: string;
  readonly parts: readonly (string | number | boolean)[];
}

/** A file of a cache. */
export interface CacheFile {
  readonly path: string;
  /** bytes */
  readonly size: number;
  /** when it was written or last read, milliseconds since 1970 */
  readonly usedMs: number;
  /** not an entry yet: a process writes it, or died while it did */
  readonly underWay: boolean;
}

export interface CacheUsage {
  readonly entries: number;
  readonly bytes: number;
}

/** What a cache wrote; it touches nothing else in its folder. */
const FILE = /^[0-9a-f]{16}-[0-9a-f]{32}\.cache(?<underWay>\.[0-9a-f]{12}\.tmp)?$/;
/** So many files are looked at together. */
const BATCH = 64;

/** The name of an entry's file: begins alike for all entries of a model. */
export function entryName({ model, parts }: CacheKey): string {
  const all = JSON.stringify([model, ...parts]);
  return `${modelPrefix(model)}${sha256(all).slice(0, 32)}.cache`;
}

function modelPrefix(model: string): string {
  return `${sha256(model).slice(0, 16)}-`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Every file of the cache in `directory`; none where there is no such folder. */
export async function cacheFiles(directory: string): Promise<CacheFile[]> {
  const names = (await namesIn(directory)).filter((name) => FILE.test(name));
  const files: CacheFile[] = [];
  for (let first = 0; first < names.length; first += BATCH) {
    const found = names.slice(first, first + BATCH).map(async (name): Promise<CacheFile[]> => {
      const path = join(directory, name);
      const figures = await stat(path).catch(() => undefined); // another process may have removed it
      if (figures === undefined) return [];
      const { size, mtimeMs } = figures;
      return [{ path, size, usedMs: mtimeMs, underWay: FILE.exec(name)?.groups?.["underWay"] !== undefined }];
    });
    files.push(...(await Promise.all(found)).flat());
  }
  return files;
}

/** What the cache in `directory` holds. */
export async function cacheUsage(directory: string): Promise<CacheUsage> {
  const files = await cacheFiles(directory);
  return {
    entries: files.filter(({ underWay }) => !underWay).length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
  };
}

/**
 * Empties the cache in `directory`, or takes one model's entries out of it. Processes that use it compute anew what they miss.
 * @param model @default all of them
 * @throws `disk` when the system refuses
 */
export async function clearCache(directory: string, model?: string): Promise<void> {
  const prefix = model === undefined ? "" : modelPrefix(model);
  for (const name of await namesIn(directory)) {
    if (!FILE.test(name) || !name.startsWith(prefix)) continue;
    const path = join(directory, name);
    await rm(path, { force: true }).catch((error: unknown) => {
      throw diskError(path, error);
    });
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return [];
    throw diskError(directory, error);
  }
}
