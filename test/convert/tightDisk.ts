import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TightDisk {
  readonly folder: string;
  /** how the refusal reads */
  readonly message: RegExp;
  /** Makes room for anything. */
  relax(): void;
}

/**
 * Runs `use` where the system really refuses to store more: a small file system in memory where we may mount one, else a limit
 * on the length of every file this process writes.
 * @param sizes bytes of the file system, or of the longest file
 */
export async function onTightDisk(
  sizes: { readonly total: number; readonly longest: number },
  use: (disk: TightDisk) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "flashsloth-tight-"));
  try {
    if (run("mount", "-t", "tmpfs", "-o", `size=${sizes.total}`, "tmpfs", folder)) {
      try {
        await use({
          folder,
          message: /^the disk is full: .* could not be written$/,
          relax: () => must("mount", "-o", "remount,size=1g", folder),
        });
      } finally {
        must("umount", folder);
      }
    } else {
      const relax = (): void => must("prlimit", `--pid=${process.pid}`, "--fsize=unlimited:");
      must("prlimit", `--pid=${process.pid}`, `--fsize=${sizes.longest}:`);
      try {
        await use({ folder, message: /could not be written: EFBIG/, relax });
      } finally {
        relax();
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function run(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

function must(command: string, ...args: readonly string[]): void {
  if (!run(command, ...args)) throw new Error(`${command} ${args.join(" ")} failed`);
}
