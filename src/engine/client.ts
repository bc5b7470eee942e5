import { Worker } from "node:worker_threads";
import { builtModule } from "../core/built-module.ts";
import { FlashSlothError } from "../core/errors.ts";
import { readManifest, type Manifest } from "../core/model/manifest.ts";
import { preparePicture, type PreparedPicture } from "../image/picture.ts";
import { disableTelemetry } from "../onnxruntime/telemetry.ts";
import { Aborts } from "./aborts.ts";
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
  PreparePictureOptions,
} from "./api.ts";
import { revivedError, type FromWorker, type Request, type ToWorker } from "./protocol.ts";

/** The engine's garbage is small and soon dead; V8 would let its nursery grow to 48 MB, slowly, before it is content. */
const YOUNG_GENERATION_MB = 2;

/**
 * Begins to load a model in a worker thread and returns at once: both runtimes block the thread they run on, and the
 * caller's must stay free for the terminal and for signals. `ready()` tells whether it worked.
 */
export function beginEngine(options: EngineOptions): EngineHandle {
  disableTelemetry(); // in this thread, while no other one reads the environment
  const worker = new Worker(builtModule("./worker.js", import.meta.url), {
    workerData: options,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
  return new RemoteEngine(worker, options.directory);
}

/**
 * Loads a model in a worker thread.
 * @throws `model-missing`, `model-invalid`, `native`, `device`
 */
export async function startEngine(options: EngineOptions): Promise<EngineHandle> {
  const engine = beginEngine(options);
  try {
    await engine.ready();
  } catch (error) {
    await engine.dispose();
    throw error;
  }
  return engine;
}

/**
 * A prepared picture's pixels go over to the engine's thread without a copy, where they have their memory to themselves.
 * @throws `usage` when they have gone already
 */
function handedOver(input: PictureInput): ArrayBuffer[] {
  if (typeof input === "string" || !("pixels" in input)) return [];
  const { buffer, byteLength } = input.pixels;
  if (byteLength === 0) {
    throw new FlashSlothError("usage", "this prepared picture was encoded already", {
      hint: "prepare it again, or ask the encoded picture",
    });
  }
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  onText: AskHooks["onText"];
}

/** An engine behind the messages of a thread. */
export class RemoteEngine implements EngineHandle {
  readonly #ready: Promise<EngineInfo>;
  #info: EngineInfo | undefined;
  #settleReady: { resolve(info: EngineInfo): void; reject(error: Error): void } | undefined;
  readonly #worker: Worker;
  readonly #directory: string;
  #manifest: Promise<Manifest> | undefined;
  readonly #pending = new Map<number, Pending>();
  readonly #aborts = new Aborts();
  #nextId = 1;
  #ended: Error | undefined;
  #loadError: Error | undefined;
  #disposing: Promise<void> | undefined;

  constructor(worker: Worker, directory: string) {
    this.#worker = worker;
    this.#directory = directory;
    this.#ready = new Promise<EngineInfo>((resolve, reject) => {
      this.#settleReady = { resolve, reject };
    });
    this.#ready.catch(() => {}); // heard by whoever awaits it
    worker.on("message", (message: FromWorker) => this.#receive(message));
    worker.on("error", (error) => this.#end(error));
    worker.on("exit", () => this.#end(new FlashSlothError("internal", "the engine's thread has ended")));
    // an idle engine does not keep the process alive
    worker.unref();
  }

  get info(): EngineInfo {
    if (this.#info === undefined) throw new FlashSlothError("internal", "the engine is still loading");
    return this.#info;
  }

  async ready(): Promise<EngineInfo> {
    this.#worker.ref();
    try {
      return await this.#ready;
    } finally {
      if (this.#pending.size === 0) this.#worker.unref();
    }
  }

  async preparePicture(
    input: string | Uint8Array,
    options: PreparePictureOptions = {},
  ): Promise<PreparedPicture> {
    this.#manifest ??= readManifest(this.#directory);
    const { imageSize, crops } = (await this.#manifest).geometry;
    return await preparePicture({ ...options, input, imageSize, crops });
  }

  async encodePicture(input: PictureInput, options: EncodePictureOptions = {}): Promise<EncodedPicture> {
    const start = performance.now();
    const loading = this.#info === undefined;
    const { signal, ...rest } = options;
    const request = { kind: "encode", input, options: rest } as const;
    const encoded = (await this.#request(request, { signal }, handedOver(input))) as EncodedPicture;
    if (!loading) return encoded;
    // a thread that is still loading its libraries takes no messages
    const { image, vision } = encoded.ms;
    const wait = Math.max(encoded.ms.wait, performance.now() - start - image - vision);
    return { ...encoded, ms: { image, wait, vision } };
  }

  async ask(picture: EncodedPicture, options: AskOptions, hooks: AskHooks = {}): Promise<Answer> {
    const streams = hooks.onText !== undefined;
    return (await this.#request({ kind: "ask", picture, options, streams }, hooks)) as Answer;
  }

  async release(picture: EncodedPicture): Promise<void> {
    await this.#request({ kind: "release", picture });
  }

  async counters(): Promise<EngineCounters> {
    return (await this.#request({ kind: "counters" })) as EngineCounters;
  }

  async dispose(): Promise<void> {
    if (this.#ended !== undefined) return;
    this.#disposing ??= this.#request({ kind: "dispose" }).then(
      () => undefined,
      () => undefined, // the thread ended first, and took everything with it
    );
    await this.#disposing;
  }

  async #request(
    request: Request,
    hooks: AskHooks = {},
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<unknown> {
    if (this.#ended !== undefined) throw this.#ended;
    const id = this.#nextId++;
    const { signal, onText } = hooks;
    let unwatch: (() => void) | undefined;
    this.#worker.ref();
    try {
      return await new Promise<unknown>((resolve, reject) => {
        this.#pending.set(id, { resolve, reject, onText });
        this.#send({ id, request }, transfer);
        unwatch = signal && this.#aborts.on(signal, () => this.#send({ abort: id }));
      });
    } finally {
      unwatch?.();
      if (this.#pending.size === 0) this.#worker.unref();
    }
  }

  #send(message: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromWorker): void {
    if ("ready" in message) {
      this.#info = message.ready;
      this.#settleReady?.resolve(message.ready);
      return;
    }
    if ("failed" in message) {
      this.#loadError = revivedError(message.failed);
      this.#settleReady?.reject(this.#loadError);
      return;
    }
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    if ("text" in message) {
      pending.onText?.(message.text, message.logprobs);
      return;
    }
    this.#pending.delete(message.id);
    if ("error" in message) pending.reject(revivedError(message.error));
    else pending.resolve(message.value);
  }

  #end(error: Error): void {
    this.#ended ??= this.#loadError ?? error;
    this.#settleReady?.reject(this.#ended);
    for (const pending of this.#pending.values()) pending.reject(this.#ended);
    this.#pending.clear();
  }
}
