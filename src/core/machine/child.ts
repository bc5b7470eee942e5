import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { FlashSlothError } from "../errors.ts";

export interface AskChildOptions {
  /** A built module that answers one message, see `builtModule`. */
  readonly module: URL;
  readonly request: object;
  /** What its native libraries write to standard error: onto ours, or into `words`. @default "inherit" */
  readonly stderr?: "inherit" | "keep" | undefined;
  /** Threads of libuv's pool in it. @default libuv's own number, four */
  readonly poolThreads?: number | undefined;
  /** Ends it when it has not answered after so many milliseconds. @default it has all the time it takes */
  readonly timeoutMs?: number | undefined;
  /** Ends it at once. @default never */
  readonly signal?: AbortSignal | undefined;
}

export interface ChildAnswer {
  /** What it said, once; undefined when it ended without a word. */
  readonly reply: unknown;
  /** How its process ended, in words that follow "it". */
  readonly end: string;
  /** what was kept of its standard error */
  readonly words: string;
}

/** Of a process that writes without end the beginning says what went wrong. */
const MOST_WORDS = 16_384;

/**
 * Has a process of our own do something, and end. It can be ended at any moment, takes nothing along when it crashes, and keeps its
 * libraries out of this one.
 * @throws `native` when no process could be started
 */
export async function askChild(options: AskChildOptions): Promise<ChildAnswer> {
  const { module, request, stderr = "inherit", poolThreads, timeoutMs, signal } = options;
  const child = fork(fileURLToPath(module), {
    execArgv: [],
    env: poolThreads === undefined ? process.env : { ...process.env, UV_THREADPOOL_SIZE: `${poolThreads}` },
    stdio: ["ignore", "ignore", stderr === "keep" ? "pipe" : "inherit", "ipc"],
  });
  let words = "";
  child.stderr?.on("data", (piece: Buffer) => {
    if (words.length < MOST_WORDS) words += piece.toString("utf8");
  });
  let late = false;
  const stop = (): boolean => child.kill("SIGKILL");
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => (late = stop()), timeoutMs);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const reply = await replyOf(child, request);
    const end = late ? `did not answer within ${(timeoutMs ?? 0) / 1000} s` : describeEnd(child);
    return { reply, end, words };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    stop();
  }
}

/** The child's answer, once it has ended; undefined when it ended without one. */
async function replyOf(child: ChildProcess, request: object): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    let reply: unknown;
    child.once("message", (message) => (reply = message));
    child.once("error", (cause) => {
      reject(new FlashSlothError("native", "no process could be started", { cause }));
    });
    child.once("close", () => resolve(reply));
    // a child that is gone already is told of by "close"
    child.send(request, () => undefined);
  });
}

function describeEnd(child: ChildProcess): string {
  if (child.signalCode === "SIGKILL") return "was killed, as it is when memory runs out";
  return `ended with ${child.signalCode ?? `status ${child.exitCode}`}`;
}
