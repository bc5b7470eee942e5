import type { InferenceSession, Tensor } from "onnxruntime-node";
import { FlashSlothError, messageOf } from "../core/errors.ts";
import { loadOnnxRuntime, type OnnxRuntime } from "./library.ts";
import {
  type DeviceChoice,
  PROVIDER_HINTS,
  type Provider,
  providerOption,
  providersFor,
} from "./provider.ts";
import { shortReason } from "./reason.ts";

export interface OpenSessionOptions {
  /** An ONNX file; its external data lies beside it. */
  readonly path: string;
  /** `auto` takes the first provider that works, the CPU last. @default "auto" */
  readonly device?: DeviceChoice | undefined;
  /** Threads inside an operator, on the CPU. @default the machine's physical cores */
  readonly threads?: number | undefined;
  /**
   * Repack weights for the CPU's kernels when loading: a full-size encoder then takes seconds to load instead
   * of tenths and holds its weights twice, for a few percent in speed. @default false
   */
  readonly prepack?: boolean | undefined;
}

/** A row-major input. */
export interface TensorInput {
  readonly type: "float32" | "uint8";
  readonly data: Float32Array | Uint8Array;
  readonly shape: readonly number[];
}

/**
 * Opens a graph on the device that was asked for.
 * @throws `native` when onnxruntime does not load, `device` when the chosen device does not work,
 *   `model-invalid` when not even the CPU takes the graph
 */
export async function openSession(options: OpenSessionOptions): Promise<OnnxSession> {
  const { path, device = "auto" } = options;
  const runtime = await loadOnnxRuntime();
  const notes: string[] = [];
  for (const provider of providersFor(device, process.platform)) {
    try {
      const session = await createSession(runtime, provider, options);
      return new OnnxSession(runtime, session, { path, provider, notes });
    } catch (error) {
      if (provider === "cpu") {
        throw new FlashSlothError("model-invalid", `${path} cannot be loaded: ${shortReason(error)}`, {
          cause: error,
          hint: PROVIDER_HINTS[provider],
        });
      }
      const reason = shortReason(error);
      if (device !== "auto") {
        throw new FlashSlothError("device", `${device} does not work for onnxruntime here: ${reason}`, {
          cause: error,
          hint: PROVIDER_HINTS[provider],
        });
      }
      notes.push(`onnxruntime does not use ${provider}: ${reason}`);
    }
  }
  throw new FlashSlothError("internal", `no provider is left for device ${device}`);
}

async function createSession(
  runtime: OnnxRuntime,
  provider: Provider,
  options: OpenSessionOptions,
): Promise<InferenceSession> {
  const known = runtime.listSupportedBackends().some((backend) => backend.name === provider);
  if (!known) throw new Error(`onnxruntime has no ${provider} on ${process.platform} ${process.arch}`);
  const { path, threads, prepack = false } = options;
  return await runtime.InferenceSession.create(path, {
    executionProviders: [providerOption(provider)],
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    graphOptimizationLevel: "all",
    logSeverityLevel: 4,
    extra: { "session.disable_prepacking": prepack ? "0" : "1" },
  });
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
