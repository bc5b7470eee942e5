import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type ErrorCode, FlashSlothError } from "../core/errors.ts";

const BINARY = fileURLToPath(new URL("../../bin/flashsloth.js", import.meta.url));

export interface CommandOptions {
  /** Aborting ends the process. @default never */
  readonly signal?: AbortSignal | undefined;
  /** The command line's own file. @default this package's */
  readonly binary?: string | undefined;
  /** Node's own arguments. @default none */
  readonly nodeArguments?: readonly string[] | undefined;
  /** What the process finds in its environment besides ours. @default none */
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

/** One `ask` in a process of its own, by the clock of whoever started it, in milliseconds. */
export interface ColdRun {
  /** from the start of the process to the first byte of the answer */
  readonly firstToken: number;
  /** to the end of the process */
  readonly total: number;
}

/**
 * Starts this package's own command line and waits for it to end.
 * @param words the arguments of `ask` without `--json`: only a streamed answer has a first byte worth timing
 * @throws what `ask` complained about; the reason of an aborted `signal`
 */
export async function coldAsk(words: readonly string[], options: CommandOptions = {}): Promise<ColdRun> {
  const { firstByte, total } = await runCommand(["ask", "--no-cache", ...words], options);
  return { firstToken: firstByte, total };
}

/** The `bench` part and the times of the record that `ask --bench --json` prints, from a process of its own. */
export async function coldRecord(words: readonly string[], options: CommandOptions = {}): Promise<unknown> {
  const { stdout } = await runCommand(["ask", "--no-cache", "--bench", "--json", ...words], options);
  return JSON.parse(stdout) as unknown;
}

interface Finished {
  readonly firstByte: number;
  readonly total: number;
  readonly stdout: string;
}

async function runCommand(words: readonly string[], options: CommandOptions): Promise<Finished> {
  const { signal, binary = BINARY, nodeArguments = [], environment = {} } = options;
  signal?.throwIfAborted();
  const start = performance.now();
  const child = spawn(process.execPath, [...nodeArguments, binary, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  const stop = (): void => void child.kill("SIGTERM");
  signal?.addEventListener("abort", stop, { once: true });
  let firstByte = Number.NaN;
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (Number.isNaN(firstByte)) firstByte = performance.now() - start;
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    });
    const total = performance.now() - start;
    signal?.throwIfAborted();
    if (status !== 0) throw failure(status, stderr);
    return { firstByte, total, stdout };
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** What `ask` complained about, under a code that ends with the same exit status. */
function failure(status: number | null, stderr: string): FlashSlothError {
  const complaint = /^error: (.*)$/m.exec(stderr)?.[1];
  const hint = /^hint: (.*)$/m.exec(stderr)?.[1];
  const codes: Readonly<Record<number, ErrorCode>> = { 1: "image-invalid", 2: "usage", 4: "model-missing" };
  const code = complaint === undefined ? "internal" : (codes[status ?? -1] ?? "internal");
  return new FlashSlothError(code, complaint ?? `ask ended with ${status}: ${stderr.trim()}`, { hint });
}
