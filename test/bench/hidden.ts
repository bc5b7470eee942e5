import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HIDE_VARIABLE, type Hidden, HIDEABLE, hidingVariables } from "../cpu/hide-instructions.ts";

export const HIDE_USAGE = `  --hide WHAT     compute as on a processor without AMX (amx), or without AVX-512 and AMX (avx512): with AVX2 and no more`;

/** What is hidden from this process. */
export function hiddenHere(): Hidden | undefined {
  return HIDEABLE.find((name) => name === process.env[HIDE_VARIABLE]);
}

/**
 * Starts this process's program again where the wanted instructions are hidden, and waits for it to end.
 * @returns false where there is nothing to do: the caller is what was wanted
 * @throws RangeError for what cannot be hidden, here or anywhere
 */
export function startedWithout(wanted: string | undefined): boolean {
  if (wanted === undefined || hiddenHere() !== undefined) return false;
  const hidden = HIDEABLE.find((name) => name === wanted);
  if (hidden === undefined) throw new RangeError(`--hide takes ${HIDEABLE.join(" or ")}, not ${wanted}`);
  const directory = mkdtempSync(join(tmpdir(), "flashsloth-hidden-"));
  try {
    const variables = hidingVariables(hidden, directory);
    if (typeof variables === "string") throw new RangeError(variables);
    const { status } = spawnSync(process.execPath, process.argv.slice(1), {
      stdio: "inherit",
      env: { ...process.env, ...variables },
    });
    process.exitCode = status ?? 1;
    return true;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
