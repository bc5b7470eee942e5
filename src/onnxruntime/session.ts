import { setImmediate } from "node:timers/promises";
import { type InferenceSession, Tensor } from "onnxruntime-common";
import type { Provider } from "../core/model/device.ts";
import { FlashSlothError, messageOf } from "../core/errors.ts";
import type { NativeSession } from "./library.ts";

/** A row-major input. */
export interface TensorInput {
  readonly type: "float32" | "uint8";
  readonly data: Float32Array | Uint8Array;
  readonly shape: readonly number[];
}

/** The one owner of a native session. */
export class OnnxSession {
  readonly provider: Provider;
  readonly #path: string;
  #session: NativeSession | undefined;
  #closing = false;
  /** runs in progress; the session is freed after the last of them */
  readonly #running = new Set<Promise<unknown>>();

  constructor(session: NativeSession, about: { readonly path: string; readonly provider: Provider }) {
    this.#session = session;
    this.#path = about.path;
    this.provider = about.provider;
  }

  /**
   * Computes the float32 outputs named `wanted`, in that order, before it returns.
   * @throws `internal` after `dispose`, `native` when onnxruntime fails
   */
  runNow(inputs: Readonly<Record<string, TensorInput>>, wanted: readonly string[]): Float32Array[] {
    const session = this.#alive;
    try {
      const feeds: Record<string, Tensor> = {};
      for (const [name, { type, data, shape }] of Object.entries(inputs)) {
        feeds[name] = new Tensor(type, data, shape);
      }
      const fetches = Object.fromEntries(wanted.map((name) => [name, null]));
      const outputs = session.run(feeds, fetches, {});
      return wanted.map((name) => floats(outputs, name));
    } catch (error) {
      throw new FlashSlothError("native", `onnxruntime failed on ${this.#path}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** As `runNow`, after what is waiting in this thread's event loop. */
  async run(
    inputs: Readonly<Record<string, TensorInput>>,
    wanted: readonly string[],
  ): Promise<Float32Array[]> {
    void this.#alive;
    const run = setImmediate().then(() => this.runNow(inputs, wanted));
    this.#running.add(run);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
    }
  }

  /** Completes the file of a session that was opened with `profile`. @throws `internal` after `dispose` */
  endProfiling(): void {
    this.#alive.endProfiling();
  }

  /** Frees the session after the runs in progress. Idempotent. */
  async dispose(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    await Promise.allSettled(this.#running);
    this.#session?.dispose();
    this.#session = undefined;
  }

  get #alive(): NativeSession {
    if (this.#session !== undefined) return this.#session;
    throw new FlashSlothError("internal", `${this.#path} is used after it was closed`);
  }
}

function floats(outputs: InferenceSession.OnnxValueMapType, name: string): Float32Array {
  const data = outputs[name]?.data;
  if (!(data instanceof Float32Array)) {
    throw new FlashSlothError("internal", `the graph has no float32 output ${name}`);
  }
  return data;
}
