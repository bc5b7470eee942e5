import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { promisify } from "node:util";
import { systemCode } from "./errors.ts";

/** A process so that a later one with the same number is not taken for it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** hex digest of when the process started; `0` where the system does not tell cheaply (Windows) */
  readonly started: string;
  /** hex digest of the machine and, in containers, the process number space: outside it `pid` means nothing */
  readonly machine: string;
}

/** `started` of a process whose start cannot be told. */
export const UNKNOWN_START = "0" as const;
const run = promisify(execFile);

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** Whether there is a process of that number, where more than that is not told (Windows; `/proc` hidden from other users). */
function startByNumber(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return UNKNOWN_START;
  } catch (error) {
    return systemCode(error) === "EPERM" ? UNKNOWN_START : undefined;
  }
}

/** When `pid` started, or undefined when no such process runs (a zombie does not run). */
async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform === "linux") {
    let stat: string;
    try {
      stat = await readFile(`/proc/${pid}/stat`, "utf8");
    } catch {
      return startByNumber(pid);
    }
    // proc(5): the command, field 2, may hold anything; state is field 3, start time field 22
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const state = fields[0];
    return state === "Z" || state === "X" ? undefined : digest(fields[19] ?? "");
  }
  if (process.platform === "win32") return startByNumber(pid);
  try {
    const { stdout } = await run("ps", ["-o", "lstart=", "-p", String(pid)], {
      env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
    });
    return stdout.trim() === "" ? undefined : digest(stdout.trim());
  } catch {
    return undefined;
  }
}

let own: Promise<ProcessIdentity> | undefined;

async function identify(): Promise<ProcessIdentity> {
  const space = process.platform === "linux" ? await readlink("/proc/self/ns/pid").catch(() => "") : "";
  return {
    pid: process.pid,
    started: (await startOf(process.pid)) ?? UNKNOWN_START,
    machine: digest(`${hostname()} ${space}`),
  };
}

/** This process. */
export async function thisProcess(): Promise<ProcessIdentity> {
  own ??= identify();
  return own;
}

/** Whether that process still runs; undefined when it cannot be known from here. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean | undefined> {
  const self = await thisProcess();
  if (identity.machine !== self.machine) return undefined;
  const started = await startOf(identity.pid);
  if (started === undefined) return false;
  return [started, identity.started].includes(UNKNOWN_START) || started === identity.started;
}
