import koffi from "koffi";

/** glibc's `malloc.h`: parameters of `mallopt` */
const M_MMAP_THRESHOLD = -3;
const M_ARENA_MAX = -8;

/** Buffers from this size on go back to the system when they are freed; glibc would raise the limit as it runs. */
const MMAP_THRESHOLD_BYTES = 1 << 17;
const ARENAS = 1;
/** Between two trims at least, in milliseconds. */
const PAUSE_MS = 1000;

type Trim = (pad: number) => number;
let trim: Trim | undefined;
let lastTrim = 0;

/**
 * Keeps a long run's memory level: glibc otherwise gives each thread that decodes pictures an arena of its own, which
 * keeps the largest picture's space for good. Does nothing where the C library is not glibc.
 */
export function tameAllocator(): void {
  if (process.platform !== "linux") return;
  try {
    const library = koffi.load("libc.so.6");
    const mallopt = library.func("int mallopt(int parameter, int value)");
    mallopt(M_ARENA_MAX, ARENAS);
    mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES);
    trim = library.func("int malloc_trim(size_t pad)") as Trim;
  } catch {
    // another C library: its allocator has no such habit, or at least no such switch
  }
}

/** Has a tamed allocator return what was freed between pieces in use, once a second at most. */
export function returnFreedMemory(): void {
  const now = performance.now();
  if (trim === undefined || now - lastTrim < PAUSE_MS) return;
  lastTrim = now;
  trim(0);
}
