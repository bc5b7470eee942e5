import { createHash, randomUUID } from "node:crypto";
import { thisSystem, type System } from "./system.ts";

/** A process so that a later one with the same number, or one of another machine, is not taken for it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** hex digest of when the process started; `0` where the system does not tell cheaply (Windows) */
  readonly started: string;
  /** hex digest of the host's name, which other machines and containers may have too */
  readonly host: string;
  /** hex digest of one start of one machine, and of a container's process numbers: elsewhere `pid` means nothing */
  readonly boot: string;
}

/** `started` of a process whose start cannot be told. */
export const UNKNOWN_START = "0" as const;

/** Windows tells how long it has been up, not which start this is: two that agree on the minute are taken for one. */
const BOOT_STEP_MS = 60_000;

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** Tells which processes run, as far as that can be known from here. */
export class Processes {
  readonly system: System;
  #self: Promise<ProcessIdentity> | undefined;

  /** @param system @default the one this process runs on */
  constructor(system: System = thisSystem) {
    this.system = system;
  }

  /** This process. */
  async self(): Promise<ProcessIdentity> {
    this.#self ??= this.#identify();
    return this.#self;
  }

  /** Whether that process still runs; undefined when it cannot be known from here. */
  async isRunning(identity: ProcessIdentity): Promise<boolean | undefined> {
    if (identity.boot !== (await this.self()).boot) return undefined;
    const started = await this.#startOf(identity.pid);
    if (started === undefined) return false;
    return [started, identity.started].includes(UNKNOWN_START) || started === identity.started;
  }

  async #identify(): Promise<ProcessIdentity> {
    const { pid } = this.system;
    return {
      pid,
      started: (await this.#startOf(pid)) ?? UNKNOWN_START,
      host: digest(this.system.hostname()),
      boot: digest(await this.#boot()),
    };
  }

  /**
   * What no two machines, no two starts of one machine and no two containers share: of the host's name and the number of the
   * process number space alone, the first may be shared, and the second is the same on every Linux outside containers.
   * Where it cannot be told it is this process's own: better to wait for a dead process than to push a living one aside.
   */
  async #boot(): Promise<string> {
    const { platform, hostname, uptimeMs, read, readlink, output } = this.system;
    try {
      if (platform === "linux") {
        return `${await read("/proc/sys/kernel/random/boot_id")} ${await readlink("/proc/self/ns/pid")}`;
      }
      if (platform === "darwin") return await output("/usr/sbin/sysctl", ["-n", "kern.bootsessionuuid"]);
      if (platform === "win32") {
        return `${hostname()} ${Math.round((Date.now() - uptimeMs()) / BOOT_STEP_MS)}`;
      }
    } catch {
      // told by nothing
    }
    return randomUUID();
  }

  /** When `pid` started, or undefined when no such process runs (a zombie does not run). */
  async #startOf(pid: number): Promise<string | undefined> {
    const { platform, read, output, exists } = this.system;
    try {
      if (platform === "linux") {
        const stat = await read(`/proc/${pid}/stat`);
        // proc(5): the command, field 2, may hold anything; state is field 3, start time field 22
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return isOver(fields[0]) ? undefined : digest(fields[19] ?? "");
      }
      if (platform !== "win32") {
        const shown = await output("ps", ["-o", "state=", "-o", "lstart=", "-p", String(pid)]);
        const [state, ...started] = shown.trim().split(/\s+/);
        return isOver(state) ? undefined : digest(started.join(" "));
      }
    } catch {
      // gone, or hidden from other users
    }
    return exists(pid) ? UNKNOWN_START : undefined;
  }
}

/** Whether a process in that state has ended, and only its parent does not know yet. */
function isOver(state: string | undefined): boolean {
  return state === undefined || state.startsWith("Z") || state === "X";
}

/** Those of the machine that this process runs on. */
export const processesHere: Processes = new Processes();
