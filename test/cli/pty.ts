import { readFileSync } from "node:fs";
import type { Place, RunOptions } from "./binary.ts";

/** A process on a terminal of its own, and somebody who types there. */
export interface OnTerminal {
  /** Everything that was shown so far. */
  readonly shown: string;
  /** Types, without Enter. */
  type(text: string | Uint8Array): void;
  /** Resolves with what was shown since the last wait, once `text` is among it. */
  until(text: string | RegExp): Promise<string>;
  /** Sends a signal to the process. */
  signal(signal: NodeJS.Signals): void;
  /** Resolves with the exit status. */
  readonly ended: Promise<number | null>;
}

export const ENTER = "\r";
export const CTRL_C = "\u0003";
export const CTRL_D = "\u0004";
export const TAB = "\t";
export const UP = "\u001b[A";

/** What a terminal sends when something is pasted or dropped on it. */
export function pasted(text: string): string {
  return `\u001b[200~${text}\u001b[201~`;
}

/** How long anything may take on a busy machine. */
const PATIENCE_MS = 60_000;

/** Runs a line of bash on a terminal; `$flashsloth` is the built binary. */
export function onTerminal(
  place: Place,
  line: string,
  options: RunOptions & { columns?: number } = {},
): OnTerminal {
  const { columns = 100, ...rest } = options;
  const env = { flashsloth: `${process.execPath} ${place.binary}`, ...rest.env };
  const words = ["-qfec", `stty cols ${columns} rows 30; ${line}`, "/dev/null"];
  const child = place.start("script", words, { ...rest, env, stdin: null });
  let shown = "";
  let heard = 0;
  let moved: (() => void) | undefined;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
    moved?.();
  });
  const ended = new Promise<number | null>((done, failed) => {
    child.on("error", failed);
    child.on("close", (status) => {
      done(status);
      moved?.();
    });
  });
  return {
    get shown() {
      return shown;
    },
    signal: (signal) => {
      const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
      process.kill(Number(children.trim()), signal);
    },
    type: (text) => void child.stdin.write(text),
    until: async (text) => {
      const end = Date.now() + PATIENCE_MS;
      for (;;) {
        const fresh = shown.slice(heard);
        const match = typeof text === "string" ? fresh.indexOf(text) : fresh.search(text);
        if (match >= 0) {
          const length = typeof text === "string" ? text.length : (text.exec(fresh)?.[0].length ?? 0);
          heard += match + length;
          return fresh.slice(0, match + length);
        }
        if (Date.now() > end || child.exitCode !== null) {
          throw new Error(`${String(text)} was not shown; what was: ${JSON.stringify(fresh)}`);
        }
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, 1000);
          moved = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    ended,
  };
}
