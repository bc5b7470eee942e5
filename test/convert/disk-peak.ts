import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** What the files of a folder take from the disk; a folder that changes meanwhile is seen as far as it is there. */
function bytesOnDisk(directory: string): number {
  let sum = 0;
  for (const name of namesBelow(directory)) {
    const found = statSync(join(directory, name), { throwIfNoEntry: false });
    if (found?.isFile() === true) sum += Math.max(found.size, found.blocks * 512);
  }
  return sum;
}

function namesBelow(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, encoding: "utf8" });
  } catch {
    return [];
  }
}

const EVERY_MS = 5;

/**
 * The most that a folder took from the disk while something was done in it: looked at every few milliseconds, and whenever `work` says
 * that it is a good moment.
 */
export async function diskPeak(
  directory: string,
  work: (look: () => void) => Promise<void>,
): Promise<number> {
  let peak = 0;
  const look = (): void => {
    peak = Math.max(peak, bytesOnDisk(directory));
  };
  const timer = setInterval(look, EVERY_MS);
  try {
    await work(look);
    look();
    return peak;
  } finally {
    clearInterval(timer);
  }
}
