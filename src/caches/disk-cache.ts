import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, rename, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { freeBytes } from "../core/files/disk-space.ts";
import { cacheFiles, entryName, type CacheKey } from "./entries.ts";

export interface DiskCacheOptions {
  /** The folder of its files, one an entry; made when there is something to keep. */
  readonly directory: string;
  /** Bytes of all entries together, about: what was used longest ago makes room. 0 keeps nothing. */
  readonly maxBytes: number;
  /** Bytes of the disk that are left to others: nothing is written that would take them. @default 0 */
  readonly keepFree?: number | undefined;
  /** Whether other users of this machine are kept from reading it. @default false: as the system's mask says */
  readonly secret?: boolean | undefined;
}

/** sha256 of the entry's name and content, in front of the content. */
const DIGEST_BYTES = 32;
/** The share of the bound that a process writes before it looks again how full the folder is; as much is kept free. */
const STEP = 1 / 16;
/** A file that was not finished for so long never will be. Were it, its writer could not rename it, and nothing be lost. */
const ABANDONED_MS = 10 * 60_000;

/**
 * Entries by key, each a file, that processes read, write and evict at once. What is not there, damaged, or cannot be read or
 * written (a full disk, no permission) only costs its computation: nothing here throws.
 */
export class DiskCache {
  readonly #options: DiskCacheOptions;
  readonly #step: number;
  /** bytes written since the folder was last looked at; at random first, so that of many short runs few have to look */
  #unseen: number;
  #written: Promise<void> = Promise.resolve();

  constructor(options: DiskCacheOptions) {
    this.#options = options;
    this.#step = options.maxBytes * STEP;
    this.#unseen = Math.random() * this.#step;
  }

  /** Resolves when all that was handed to `write` is on the disk, or has failed to get there. */
  get written(): Promise<void> {
    return this.#written;
  }

  /** What was kept under that key, in a buffer of its own from a multiple of 32 bytes on; undefined where nothing sound is. */
  async read(key: CacheKey): Promise<Uint8Array | undefined> {
    const { directory, maxBytes } = this.#options;
    const name = entryName(key);
    const path = join(directory, name);
    const bytes = await readWhole(path, maxBytes).catch(() => undefined);
    if (bytes === undefined) return undefined;
    const content = bytes.subarray(DIGEST_BYTES);
    const sound =
      bytes.length > DIGEST_BYTES && digest(name, [content]).equals(bytes.subarray(0, DIGEST_BYTES));
    if (!sound) {
      await remove(path);
      return undefined;
    }
    // not left to the system: most file systems are mounted so that reading marks nothing
    const now = new Date();
    await utimes(path, now, now).catch(() => undefined);
    return content;
  }

  /**
   * Keeps `chunks`, one behind the other, in place of what was there. They must not change until the promise resolves, which it
   * always does; entries are written one by one, and whoever does not wait has them in memory until then.
   */
  async write(key: CacheKey, chunks: readonly Uint8Array[]): Promise<void> {
    const save = async (): Promise<void> => this.#save(entryName(key), chunks);
    this.#written = this.#written.then(save).catch(() => undefined);
    return this.#written;
  }

  async #save(name: string, chunks: readonly Uint8Array[]): Promise<void> {
    const { directory, maxBytes, keepFree = 0, secret = false } = this.#options;
    const size = chunks.reduce((sum, { byteLength }) => sum + byteLength, DIGEST_BYTES);
    if (size > maxBytes) return;
    await mkdir(directory, { recursive: true, mode: secret ? 0o700 : 0o777 });
    await this.#makeRoom(size);
    if (keepFree > 0 && ((await freeBytes(directory)) ?? Infinity) - size < keepFree) return;

    const path = join(directory, name);
    const underWay = `${path}.${randomBytes(6).toString("hex")}.tmp`;
    try {
      const file = await open(underWay, "wx", secret ? 0o600 : 0o666);
      try {
        const { bytesWritten } = await file.writev([digest(name, chunks), ...chunks]);
        if (bytesWritten !== size) throw new Error("the disk took a part only");
      } finally {
        await file.close();
      }
      await rename(underWay, path);
    } catch (error) {
      await remove(underWay);
      throw error;
    }
  }

  /** Sees to it that `size` bytes more do not exceed the bound. */
  async #makeRoom(size: number): Promise<void> {
    const { directory, maxBytes } = this.#options;
    this.#unseen += size;
    if (this.#unseen < this.#step) return;
    this.#unseen = 0;
    let total = size;
    const entries = [];
    for (const file of await cacheFiles(directory)) {
      if (!file.underWay) entries.push(file);
      else if (Date.now() - file.usedMs > ABANDONED_MS) {
        await remove(file.path);
        continue;
      }
      total += file.size;
    }
    entries.sort((one, other) => one.usedMs - other.usedMs);
    for (const entry of entries) {
      if (total <= maxBytes - this.#step) return;
      await remove(entry.path);
      total -= entry.size;
    }
  }
}

/** A file in one read into one buffer. @returns undefined for one of more than `most` bytes */
async function readWhole(path: string, most: number): Promise<Uint8Array | undefined> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    if (size > most) return undefined;
    const { buffer } = Buffer.allocUnsafeSlow(size);
    const { bytesRead } = await file.read(new Uint8Array(buffer), 0, size, 0);
    return new Uint8Array(buffer, 0, bytesRead);
  } finally {
    await file.close();
  }
}

function digest(name: string, chunks: readonly Uint8Array[]): Buffer {
  const hash = createHash("sha256").update(name);
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest();
}

async function remove(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => undefined);
}
