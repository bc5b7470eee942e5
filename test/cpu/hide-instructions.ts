import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { PROJECT_ROOT } from "../project-root.ts";

/** What can be hidden from a process: AMX alone; or AVX-512 and AMX, which leaves AVX2. */
export const HIDEABLE = ["amx", "avx512"] as const;
export type Hidden = (typeof HIDEABLE)[number];

/** Flags of `/proc/cpuinfo` that are then not true of the process. */
const FLAGS: Readonly<Record<Hidden, RegExp>> = {
  amx: /\bamx_\w+/g,
  avx512: /\b(?:amx_\w+|avx512\w+|avx_vnni\w*|avx_ifma|avx_ne_convert|avx10\w*)/g,
};

export const HIDDEN_NAMES: Readonly<Record<Hidden, string>> = { amx: "AMX", avx512: "AVX-512 and AMX" };

/** What is hidden from a process stands in its environment, where hide-instructions.c reads it. */
export const HIDE_VARIABLE = "HIDE_INSTRUCTIONS";

const SOURCE = join(PROJECT_ROOT, "test/cpu/hide-instructions.c");

/**
 * Variables with which a process, its threads and its children compute as on a processor that lacks some instructions: libraries
 * ask for them by CPUID, which then says so. How fast the others are stays as it is on this processor.
 * @param directory where the library is put that does it; it has to stay as long as the process runs
 * @returns what is missing, where it cannot be done
 */
export function hidingVariables(hidden: Hidden, directory: string): Record<string, string> | string {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return "instructions can be hidden on Linux and x86-64 only";
  }
  const library = join(directory, "libhide-instructions.so");
  const compiled = spawnSync("cc", ["-O1", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], {
    encoding: "utf8",
  });
  if (compiled.error !== undefined) return "there is no C compiler (cc)";
  if (compiled.status !== 0) throw new Error(compiled.stderr);
  const variables = { LD_PRELOAD: library, [HIDE_VARIABLE]: hidden };
  const { status, stderr } = spawnSync("true", { env: { ...process.env, ...variables }, encoding: "utf8" });
  return status === 0 ? variables : stderr.trim();
}

/** The flags of a processor that a process sees from which some are hidden. */
export function withoutHidden(flags: string, hidden: Hidden): string {
  return flags.replaceAll(FLAGS[hidden], "");
}
