import { execFile } from "node:child_process";
import { readFile, readlink } from "node:fs/promises";
import { hostname, uptime } from "node:os";
import { promisify } from "node:util";
import { systemCode } from "../errors.ts";

const run = promisify(execFile);

/** What a process asks its system about itself and others: each platform's way can be tried on any other. */
export interface System {
  readonly platform: NodeJS.Platform;
  /** this process's number */
  readonly pid: number;
  readonly hostname: () => string;
  /** milliseconds since the machine started */
  readonly uptimeMs: () => number;
  /** A file's text; rejects where there is none. */
  readonly read: (path: string) => Promise<string>;
  /** Where a symbolic link points; rejects where there is none. */
  readonly readlink: (path: string) => Promise<string>;
  /** What a program writes to stdout; rejects when it cannot be run, or fails. */
  readonly output: (command: string, args: readonly string[]) => Promise<string>;
  /** Whether there is a process of that number, whosever it is. */
  readonly exists: (pid: number) => boolean;
}

/** The system that this process runs on. */
export const thisSystem: System = {
  platform: process.platform,
  pid: process.pid,
  hostname,
  uptimeMs: () => uptime() * 1000,
  read: async (path) => readFile(path, "utf8"),
  readlink: async (path) => readlink(path),
  output: async (command, args) => {
    const { stdout } = await run(command, [...args], { env: { ...process.env, LC_ALL: "C", TZ: "UTC" } });
    return stdout;
  },
  exists: (pid) => {
    try {
      return process.kill(pid, 0);
    } catch (error) {
      return systemCode(error) === "EPERM";
    }
  },
};

/** A file's text; empty where there is none, or it cannot be read. */
export async function textOf(system: Pick<System, "read">, path: string): Promise<string> {
  return await system.read(path).catch(() => "");
}
