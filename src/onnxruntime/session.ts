import type { InferenceSession, Tensor } from "onnxruntime-node";
import { FlashSlothError, messageOf } from "../core/errors.ts";
import type { OnnxRuntime } from "./library.ts";
import type { Provider } from "./provider.ts";

/** A row-major input. */
export interface TensorInput {
  readonly type: "float32" | "uint8";
  readonly data: Float32Array | Uint8Array;
  readonly shape: readonly number[];
}

/** The one owner of a native session. */
export class OnnxSession {
  readonly provider: Provider;
  /** what was tried before `provider` and why it was not taken, a sentence each */
  readonly notes: readonly string[];
  readonly #runtime: OnnxRuntime;
  readonly #path: string;
  #session: InferenceSession | undefined;
  /** runs in progress; the session is freed after the last of them */
  readonly #running = new Set<Promise<unknown>>();

  constructor(
    runtime: OnnxRuntime,
    session: InferenceSession,
    about: { readonly path: string; readonly provider: Provider; readonly notes: readonly string[] },
  ) {
    this.#runtime = runtime;
    this.#session = session;
    this.#path = about.path;
    this.provider = about.provider;
    this.notes = about.notes;
  }

  /**
   * Computes the float32 outputs named `wanted`, in that order. Blocks the calling thread while it computes.
   * @throws `internal` after `dispose`, `native` when onnxruntime fails
   */
  async run(
    inputs: Readonly<Record<string, TensorInput>>,
    wanted: readonly string[],
  ): Promise<Float32Array[]> {
    const session = this.#session;
    if (session === undefined) {
      throw new FlashSlothError("internal", `${this.#path} is used after it was closed`);
    }
    const feeds: Record<string, Tensor> = {};
    for (const [name, { type, data, shape }] of Object.entries(inputs)) {
      feeds[name] = new this.#runtime.Tensor(type, data, shape);
    }
    const run = session.run(feeds, wanted);
    this.#running.add(run);
    try {
      const outputs = await run;
      return wanted.map((name) => floats(outputs, name));
    } catch (error) {
      throw new FlashSlothError("native", `onnxruntime failed on ${this.#path}: ${messageOf(error)}`, {
        cause: error,
      });
    } finally {
      this.#running.delete(run);
    }
  }

  /** Completes the file of a session that was opened with `profile`. @throws `internal` after `dispose` */
  endProfiling(): void {
    if (this.#session === undefined) {
      throw new FlashSlothError("internal", `${this.#path} is used after it was closed`);
    }
    this.#session.endProfiling();
  }

  /** Frees the session after the runs in progress. Idempotent. */
  async dispose(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await Promise.allSettled(this.#running);
    await session?.release();
  }
}

function floats(outputs: InferenceSession.OnnxValueMapType, name: string): Float32Array {
  const data = outputs[name]?.data;
  if (!(data instanceof Float32Array)) {
    throw new FlashSlothError("internal", `the graph has no float32 output ${name}`);
  }
  return data;
}
