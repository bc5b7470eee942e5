import { readFileSync, statSync } from "node:fs";
import koffi from "koffi";

/** `sys/mman.h`: for a file's pages that nobody wrote to, only this process's view of them is dropped. */
const MADV_DONTNEED = 4;

/** A line of `/proc/self/maps`: start-end permissions offset device inode */
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) r--[ps] [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ (\d+)/;

/**
 * Gives back the memory behind a file that is mapped into this process for reading. The pages stay in the system's
 * cache, and come back by themselves when they are read again; what shrinks is this process's resident set.
 */
export class FilePages {
  readonly #inode: string;
  readonly #advise: ((address: bigint, length: number, advice: number) => number) | undefined;

  constructor(path: string) {
    this.#inode = String(statSync(path, { bigint: true }).ino);
    this.#advise = bindAdvise();
  }

  /** Does nothing where the system does not list its mappings: on anything but Linux. */
  release(): void {
    if (this.#advise === undefined) return;
    for (const line of readFileSync("/proc/self/maps", "latin1").split("\n")) {
      const [, from, to, inode] = MAPPING.exec(line) ?? [];
      if (from === undefined || to === undefined || inode !== this.#inode) continue;
      const start = BigInt(`0x${from}`);
      this.#advise(start, Number(BigInt(`0x${to}`) - start), MADV_DONTNEED);
    }
  }
}

function bindAdvise(): ((address: bigint, length: number, advice: number) => number) | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    return koffi.load(null).func("int madvise(void *address, size_t length, int advice)");
  } catch {
    return undefined; // a C library without it
  }
}
