import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";

/**
 * Below this width a layer's products are so short that threads wait for each other longer than they compute:
 * on two busy cores the demo model (width 128) answers 10 to 50 times faster on one thread than on two.
 */
const WORTH_SHARING = 512;

/** Threads for a model of this width: one for a tiny model, else the machine's physical cores. */
export async function defaultThreads(hiddenSize: number): Promise<number> {
  return hiddenSize < WORTH_SHARING ? 1 : await physicalCores();
}

/**
 * Threads that compute without sharing a core: matrix products gain nothing from a core's second hardware thread.
 * Read from the kernel's topology on Linux; elsewhere what the system says it has available.
 */
async function physicalCores(): Promise<number> {
  const available = availableParallelism();
  if (process.platform !== "linux") return available;
  const siblings = await Promise.all(
    Array.from({ length: available }, async (_, cpu) => {
      const file = `/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`;
      return await readFile(file, "utf8").catch(() => `${cpu}`);
    }),
  );
  return Math.max(1, new Set(siblings).size);
}
