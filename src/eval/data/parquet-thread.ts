import { Worker } from "node:worker_threads";
import { builtModule } from "../../core/built-module.ts";
import { messageOf } from "../../core/errors.ts";
import type { ParquetReply, ParquetRequest } from "./parquet-protocol.ts";

/** A group of a gigabyte takes seconds; on a busy machine and a slow disk, many times as many. */
const LONGEST_MS = 300_000;
/** Of JavaScript's own memory; pictures' bytes lie elsewhere. */
const MOST_MEGABYTES = 2048;

export interface ParquetThreadOptions {
  /** Longest time for one request, in milliseconds. @default 300,000 */
  readonly longestMs?: number | undefined;
}

/** Reads Parquet files in a thread of its own, a request at a time: whatever a file holds, it cannot hold this one up. */
export class ParquetThread {
  readonly #longestMs: number;
  #worker: Worker | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ParquetThreadOptions = {}) {
    this.#longestMs = options.longestMs ?? LONGEST_MS;
  }

  /** Never rejects: a thread that died or took too long has `failed`. */
  async ask(request: ParquetRequest): Promise<ParquetReply> {
    const reply = this.#turn.then(async () => this.#ask(request));
    this.#turn = reply;
    return await reply;
  }

  /** Ends the thread; another request begins a new one. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  async #ask(request: ParquetRequest): Promise<ParquetReply> {
    const worker = (this.#worker ??= new Worker(builtModule("./parquet-worker.js", import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: MOST_MEGABYTES },
    }));
    worker.ref();
    const { reply, usable } = await replyOf(worker, request, this.#longestMs);
    worker.unref();
    if (!usable) await this.close();
    return reply;
  }
}

interface Replied {
  readonly reply: ParquetReply;
  /** Whether the thread can be asked again. */
  readonly usable: boolean;
}

async function replyOf(worker: Worker, request: ParquetRequest, longestMs: number): Promise<Replied> {
  return await new Promise((resolve) => {
    const settle = (replied: Replied): void => {
      clearTimeout(timer);
      worker.off("message", said).off("error", died).off("exit", ended);
      resolve(replied);
    };
    const said = (reply: ParquetReply): void => settle({ reply, usable: true });
    const lost = (failed: string): void => settle({ reply: { failed }, usable: false });
    const died = (error: unknown): void => lost(messageOf(error));
    const ended = (): void => lost("its reader ended");
    const late = (): void => lost(`reading took more than ${longestMs / 1000} s`);
    const timer = setTimeout(late, longestMs);
    worker.on("message", said).on("error", died).on("exit", ended);
    worker.postMessage(request);
  });
}
