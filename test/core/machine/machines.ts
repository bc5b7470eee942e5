import { thisSystem, type System } from "../../../src/core/machine/system.ts";

/** The number of the process number space outside containers: the same on every Linux. */
export const OUTERMOST = "pid:[4026531836]";

interface Machine {
  readonly platform?: NodeJS.Platform;
  readonly pid?: number;
  readonly hostname?: string;
  /** To the half minute. @default a week */
  readonly uptimeMs?: number;
  /** Linux's and macOS' name of one start of a machine. @default it is not told */
  readonly boot?: string;
  /** Number of the process number space; "" where it is not told. @default OUTERMOST */
  readonly space?: string;
  /** The processes that run, with when they started. @default this one alone */
  readonly running?: ReadonlyMap<number, string>;
  /** Processes that have ended without their parent's notice. @default none */
  readonly zombies?: readonly number[];
}

function absent(what: string): never {
  throw Object.assign(new Error(`no ${what}`), { code: "ENOENT" });
}

/** A made-up machine. */
export function machine(options: Machine = {}): System {
  const { platform = "linux", pid = 4711, boot, space = OUTERMOST, zombies = [] } = options;
  const { running = new Map([[pid, "100"]]) } = options;
  // in the middle of what counts as one start on Windows, however long a test takes
  const started = Math.round((Date.now() - (options.uptimeMs ?? 7 * 86_400_000)) / 60_000) * 60_000;
  const stateOf = (of: number): string => (zombies.includes(of) ? "Z" : "S");
  return {
    ...thisSystem,
    platform,
    pid,
    hostname: () => options.hostname ?? "node",
    uptimeMs: () => Date.now() - started,
    read: async (path) => {
      if (path === "/proc/sys/kernel/random/boot_id") return boot ?? absent(path);
      const of = Number(/^\/proc\/(\d+)\/stat$/.exec(path)?.[1]);
      const since = running.get(of) ?? absent(path);
      const before = Array.from({ length: 18 }, (_, field) => field + 4);
      return `${of} (a) b (c)) ${stateOf(of)} ${before.join(" ")} ${since} 0 0\n`;
    },
    readlink: async (path) => (path === "/proc/self/ns/pid" && space !== "" ? space : absent(path)),
    output: async (command, args) => {
      if (command === "/usr/sbin/sysctl") return boot === undefined ? absent(command) : `${boot}\n`;
      if (command !== "ps") return absent(command);
      const of = Number(args.at(-1));
      return `${stateOf(of)}    ${running.get(of) ?? absent("process")}\n`;
    },
    exists: (of) => running.has(of),
  };
}
