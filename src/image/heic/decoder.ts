import { Worker } from "node:worker_threads";
import { builtModule } from "../../core/built-module.ts";
import { messageOf } from "../../core/errors.ts";
import type { HeicReply, HeicRequest } from "./protocol.ts";

/** 48 megapixels take some seconds; on a busy machine, several times as many. */
const LONGEST_MS = 120_000;
/** A thread that nobody needed for so long is ended: its memory never shrinks. */
const IDLE_MS = 10_000;

export interface HeicDecoderOptions {
  /** Longest time for one picture, in milliseconds. @default 120,000 */
  readonly longestMs?: number | undefined;
}

/**
 * Decodes HEIC in a thread of its own, one picture at a time: libheif compiled to WebAssembly can neither crash this process
 * nor hold it up, whatever a file does to it.
 */
export class HeicDecoder {
  readonly #longestMs: number;
  #worker: Worker | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: HeicDecoderOptions = {}) {
    this.#longestMs = options.longestMs ?? LONGEST_MS;
  }

  /** Never rejects: a thread that died or took too long has `failed`. */
  async decode(request: HeicRequest): Promise<HeicReply> {
    clearTimeout(this.#idle);
    this.#waiting++;
    const reply = this.#turn.then(async () => this.#ask(request));
    this.#turn = reply;
    const result = await reply;
    if (--this.#waiting === 0) this.#idle = setTimeout(() => void this.close(), IDLE_MS).unref();
    return result;
  }

  /** Ends the thread; another picture begins a new one. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  async #ask(request: HeicRequest): Promise<HeicReply> {
    const worker = (this.#worker ??= new Worker(builtModule("./heic-worker.js", import.meta.url)));
    worker.ref();
    const reply = await replyOf(worker, request, this.#longestMs);
    worker.unref();
    // what a damaged file has left in libheif's memory is nobody's to find
    if ("failed" in reply) await this.close();
    return reply;
  }
}

async function replyOf(worker: Worker, request: HeicRequest, longestMs: number): Promise<HeicReply> {
  return await new Promise((resolve) => {
    const settle = (reply: HeicReply): void => {
      clearTimeout(timer);
      worker.off("message", settle).off("error", died).off("exit", ended);
      resolve(reply);
    };
    const died = (error: unknown): void => settle({ failed: messageOf(error) });
    const ended = (): void => settle({ failed: "its decoder ended" });
    const late = (): void => settle({ failed: `decoding took more than ${longestMs / 1000} s` });
    const timer = setTimeout(late, longestMs);
    worker.on("message", settle).on("error", died).on("exit", ended);
    worker.postMessage(request);
  });
}
