import { readFileSync } from "node:fs";

/** Highest memory of this process, in bytes. */
export interface PeakMemory {
  /** resident set: what is mapped from files included */
  readonly resident: number;
  /** what no file backs, by sampling; null where the system does not say */
  readonly anonymous: number | null;
}

const INTERVAL_MS = 25;

/** Watches this process's memory until it is stopped. */
export class MemoryWatch {
  #anonymous: number | null = anonymousBytes();
  readonly #timer = setInterval(() => this.#sample(), INTERVAL_MS);

  constructor() {
    this.#timer.unref();
  }

  stop(): PeakMemory {
    this.#sample();
    clearInterval(this.#timer);
    return { resident: process.resourceUsage().maxRSS * 1024, anonymous: this.#anonymous };
  }

  #sample(): void {
    const now = anonymousBytes();
    if (now !== null) this.#anonymous = Math.max(this.#anonymous ?? 0, now);
  }
}

/** `RssAnon` of Linux (proc(5), /proc/pid/status); null elsewhere. */
function anonymousBytes(): number | null {
  try {
    const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}
