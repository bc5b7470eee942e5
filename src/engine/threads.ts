import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";

/**
 * Threads that compute without sharing a core: matrix products gain nothing from a core's second hardware thread.
 * Read from the kernel's topology on Linux; elsewhere what the system says it has available.
 */
export async function physicalCores(): Promise<number> {
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
