import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { builtModule } from "../core/built-module.ts";
import { FlashSlothError, type ErrorCode } from "../core/errors.ts";
import type { Quant } from "../core/variant.ts";
import type { StoredTensor } from "./ffi/gguf.ts";

/** What llama.cpp does in a process of its own. */
export interface Work {
  /** whether llama.cpp says that it succeeded */
  readonly quantize: {
    readonly input: { readonly from: string; readonly to: string; readonly quant: Quant };
    readonly result: boolean;
  };
  readonly findTensor: {
    readonly input: { readonly path: string; readonly name: string };
    readonly result: StoredTensor | null;
  };
}

export interface ApartRequest<Name extends keyof Work = keyof Work> {
  readonly work: Name;
  readonly input: Work[Name]["input"];
}

/** What the child process says, once. */
export type ApartReply =
  | { readonly done: unknown }
  | {
      readonly failed: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly hint: string | undefined;
      };
    };

/** What the work returned; or how its process ended, where it did so without a word. */
export type ApartResult<Name extends keyof Work> =
  | { readonly done: Work[Name]["result"] }
  | { readonly died: string };

/**
 * Has llama.cpp do something in a process of its own. That process can be ended at any moment, takes nothing along when
 * it crashes, ends when this one does, and keeps its libraries out of this one: ggml's base library cannot be loaded again
 * once it was unloaded, and while it stays, another build of llama.cpp would be bound to it.
 * @param signal ends it at once
 * @throws what the work throws; `native` when no process could be started
 */
export async function runApart<Name extends keyof Work>(
  request: ApartRequest<Name>,
  signal?: AbortSignal,
): Promise<ApartResult<Name>> {
  const child = fork(fileURLToPath(builtModule("./apart-process.js", import.meta.url)), {
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const stop = (): boolean => child.kill("SIGKILL");
  signal?.addEventListener("abort", stop, { once: true });
  let reply: ApartReply | undefined;
  try {
    reply = await replyOf(child, request);
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
  }
  if (reply === undefined) return { died: describeEnd(child) };
  if ("done" in reply) return reply as ApartResult<Name>;
  const { code, message, hint } = reply.failed;
  throw new FlashSlothError(code, message, { hint });
}

/** The child's answer, once it has ended; undefined when it ended without one. */
async function replyOf(child: ChildProcess, request: ApartRequest): Promise<ApartReply | undefined> {
  return await new Promise((resolve, reject) => {
    let reply: ApartReply | undefined;
    child.once("message", (message) => (reply = message as ApartReply));
    child.once("error", (cause) => {
      reject(new FlashSlothError("native", "no process could be started for llama.cpp", { cause }));
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
