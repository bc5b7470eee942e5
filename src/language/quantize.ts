import { fork, type ChildProcess } from "node:child_process";
import { appendFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { builtModule } from "../core/built-module.ts";
import { onDisk, syncFile } from "../core/disk.ts";
import { FlashSlothError, type ErrorCode } from "../core/errors.ts";
import type { Quant } from "../core/variant.ts";

/** How often the growing file is measured. */
const POLL_MS = 100;
/** What is appended to a file that llama.cpp could not write, to hear the system's reason. */
const PROBE_BYTES = 2 ** 20;

export interface QuantizeRequest {
  readonly from: string;
  readonly to: string;
  readonly quant: Quant;
}

/** What the child process says, once. */
export type FromQuantizer =
  | { readonly ok: boolean }
  | {
      readonly failed: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly hint: string | undefined;
      };
    };

export interface QuantizeOptions {
  /** A float16 GGUF file. */
  readonly from: string;
  /** The new file; on failure what there is of it stays. */
  readonly to: string;
  readonly quant: Quant;
  /** Told the new file's bytes now and then. @default nobody */
  readonly onWritten?: ((bytes: number) => void) | undefined;
  /** Ends llama.cpp's work at once. @default never */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Quantises a language model with llama.cpp, in a process of its own: llama.cpp cannot be asked to stop, and a process
 * can be ended at any moment. That process also ends when this one does.
 * @throws `disk`, `native`, `interrupted`
 */
export async function quantize(options: QuantizeOptions): Promise<void> {
  const { from, to, quant, onWritten, signal } = options;
  throwIfStopped(signal);
  const child = fork(fileURLToPath(builtModule("./quantize-process.js", import.meta.url)), {
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const stop = (): boolean => child.kill("SIGKILL");
  signal?.addEventListener("abort", stop, { once: true });
  const poll = setInterval(() => {
    void stat(to).then(
      ({ size }) => onWritten?.(size),
      () => undefined,
    );
  }, POLL_MS);
  let reply: FromQuantizer | undefined;
  try {
    reply = await replyOf(child, { from, to, quant });
  } finally {
    clearInterval(poll);
    signal?.removeEventListener("abort", stop);
    stop();
  }
  throwIfStopped(signal);
  if (reply !== undefined && "failed" in reply) {
    const { code, message, hint } = reply.failed;
    throw new FlashSlothError(code, message, { hint });
  }
  if (reply?.ok !== true) await explainFailure(to, reply === undefined ? describeEnd(child) : "it failed");
  await onDisk(to, syncFile(to));
}

/** The child's answer, once it has ended; undefined when it ended without one. */
async function replyOf(child: ChildProcess, request: QuantizeRequest): Promise<FromQuantizer | undefined> {
  return await new Promise((resolve, reject) => {
    let reply: FromQuantizer | undefined;
    child.once("message", (message) => (reply = message as FromQuantizer));
    child.once("error", (cause) => {
      reject(new FlashSlothError("native", "no process could be started to quantise the model", { cause }));
    });
    child.once("close", () => resolve(reply));
    // a child that is gone already is told of by "close"
    child.send(request, () => undefined);
  });
}

function describeEnd(child: ChildProcess): string {
  if (child.signalCode === "SIGKILL") return "its process was killed, as it is when memory runs out";
  return `its process ended with ${child.signalCode ?? `status ${child.exitCode}`}`;
}

/** @throws `disk` when no more can be written to the file, `native` otherwise */
async function explainFailure(path: string, what: string): Promise<never> {
  await onDisk(path, appendFile(path, new Uint8Array(PROBE_BYTES).fill(1), { flush: true }));
  throw new FlashSlothError("native", `llama.cpp could not quantise the language model: ${what}`, {
    hint: "run the command again with FLASHSLOTH_NATIVE_LOG=1 to see why",
  });
}

function throwIfStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw new FlashSlothError("interrupted", "the quantisation was stopped", { cause: signal.reason });
  }
}
