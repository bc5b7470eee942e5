import { Worker } from "node:worker_threads";
import { FlashSlothError } from "../core/errors.ts";
import type {
  Answer,
  AskHooks,
  AskOptions,
  EncodedPicture,
  EncodePictureOptions,
  EngineCounters,
  EngineHandle,
  EngineInfo,
  EngineOptions,
  PictureInput,
} from "./api.ts";
import { revivedError, type FromWorker, type Request, type ToWorker } from "./protocol.ts";

/** The engine's garbage is small; V8 would let its nursery grow to 48 MB before collecting it. */
const YOUNG_GENERATION_MB = 8;

/**
 * Loads a model in a worker thread: both runtimes block the thread they run on, and the caller's must stay free for
 * the terminal and for signals.
 * @throws `model-missing`, `model-invalid`, `native`, `device`
 */
export async function startEngine(options: EngineOptions): Promise<EngineHandle> {
  const worker = new Worker(new URL("./worker.js", import.meta.url), {
    workerData: options,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
  return await new Promise<EngineHandle>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", () =>
      reject(new FlashSlothError("internal", "the engine's thread ended while loading")),
    );
    worker.once("message", (message: FromWorker) => {
      // by name: `removeAllListeners()` would also cut the wire that brings the worker's messages here
      for (const event of ["error", "exit", "message"]) worker.removeAllListeners(event);
      if ("ready" in message) resolve(new RemoteEngine(worker, message.ready));
      else if ("failed" in message) reject(revivedError(message.failed));
    });
  });
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  onText: ((piece: string) => void) | undefined;
}

class RemoteEngine implements EngineHandle {
  readonly info: EngineInfo;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #ended: Error | undefined;
  #disposing: Promise<void> | undefined;

  constructor(worker: Worker, info: EngineInfo) {
    this.info = info;
    this.#worker = worker;
    worker.on("message", (message: FromWorker) => this.#receive(message));
    worker.on("error", (error) => this.#end(error));
    worker.on("exit", () => this.#end(new FlashSlothError("internal", "the engine's thread has ended")));
    // an idle engine does not keep the process alive
    worker.unref();
  }

  async encodePicture(input: PictureInput, options?: EncodePictureOptions): Promise<EncodedPicture> {
    return (await this.#request({ kind: "encode", input, options })) as EncodedPicture;
  }

  async ask(picture: EncodedPicture, options: AskOptions, hooks: AskHooks = {}): Promise<Answer> {
    return (await this.#request({ kind: "ask", picture, options }, hooks)) as Answer;
  }

  async release(picture: EncodedPicture): Promise<void> {
    await this.#request({ kind: "release", picture });
  }

  async counters(): Promise<EngineCounters> {
    return (await this.#request({ kind: "counters" })) as EngineCounters;
  }

  async dispose(): Promise<void> {
    if (this.#ended !== undefined) return;
    this.#disposing ??= this.#request({ kind: "dispose" }).then(() => undefined);
    await this.#disposing;
  }

  async #request(request: Request, hooks: AskHooks = {}): Promise<unknown> {
    if (this.#ended !== undefined) throw this.#ended;
    const id = this.#nextId++;
    const { signal, onText } = hooks;
    const abort = (): void => this.#send({ abort: id });
    this.#worker.ref();
    try {
      return await new Promise<unknown>((resolve, reject) => {
        this.#pending.set(id, { resolve, reject, onText });
        this.#send({ id, request });
        if (signal?.aborted === true) abort();
        else signal?.addEventListener("abort", abort, { once: true });
      });
    } finally {
      signal?.removeEventListener("abort", abort);
      if (this.#pending.size === 0) this.#worker.unref();
    }
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromWorker): void {
    if (!("id" in message)) return;
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    if ("text" in message) {
      pending.onText?.(message.text);
      return;
    }
    this.#pending.delete(message.id);
    if ("error" in message) pending.reject(revivedError(message.error));
    else pending.resolve(message.value);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const pending of this.#pending.values()) pending.reject(this.#ended);
    this.#pending.clear();
  }
}
