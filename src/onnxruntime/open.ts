import { access, constants } from "node:fs/promises";
import type { Provider } from "../core/model/device.ts";
import { FlashSlothError, messageOf } from "../core/errors.ts";
import { requireDeclared, type DeclaredShape } from "./declared.ts";
import { loadOnnxRuntime, type NativeSession, type OnnxRuntime } from "./library.ts";
import { providerHint, providerOption } from "./provider.ts";
import { shortReason } from "./reason.ts";
import { OnnxSession } from "./session.ts";

export interface OpenSessionOptions {
  /** An ONNX file; its external data lies beside it. */
  readonly path: string;
  /** @default "cpu" */
  readonly provider?: Provider | undefined;
  /** Threads inside an operator, on the CPU. @default the machine's physical cores */
  readonly threads?: number | undefined;
  /**
   * Repack weights for the CPU's kernels when loading: a full-size encoder then takes seconds to load instead
   * of tenths, and its weights are no longer pages of its file, for a few percent in speed. @default false
   */
  readonly prepack?: boolean | undefined;
  /**
   * Threads wait busily for each other inside a run: up to a twentieth faster where nothing else computes, and a twentieth
   * slower beside a language model that is loading. @default true
   */
  readonly spin?: boolean | undefined;
  /** Inputs and outputs that the graph must have. @default whatever it has */
  readonly declared?: Readonly<Record<string, DeclaredShape>> | undefined;
  /** Write each operator's times to a file that begins with this path, see `endProfiling`. @default none */
  readonly profile?: string | undefined;
}

/**
 * Opens a graph on the provider that was asked for.
 * @throws `native` when onnxruntime does not load, `device` when the provider does not work here,
 *   `model-invalid` when the file is missing, not even the CPU takes the graph, or it is not as `declared`
 */
export async function openSession(options: OpenSessionOptions): Promise<OnnxSession> {
  const { path, provider = "cpu", declared = {} } = options;
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    throw new FlashSlothError("model-invalid", `${path} cannot be read: ${messageOf(error)}`, {
      cause: error,
      hint: providerHint("cpu"),
    });
  }
  const runtime = loadOnnxRuntime();
  let session: NativeSession;
  try {
    session = createSession(runtime, provider, options);
  } catch (error) {
    const [cause, hint, reason] = [error, providerHint(provider), shortReason(error)];
    if (provider === "cpu") {
      throw new FlashSlothError("model-invalid", `${path} cannot be loaded: ${reason}`, { cause, hint });
    }
    throw new FlashSlothError("device", `${provider} does not work for onnxruntime here: ${reason}`, {
      cause,
      hint,
    });
  }
  try {
    requireDeclared(session, path, declared);
  } catch (error) {
    session.dispose();
    throw error;
  }
  return new OnnxSession(session, { path, provider });
}

function createSession(runtime: OnnxRuntime, provider: Provider, options: OpenSessionOptions): NativeSession {
  const known = runtime.listSupportedBackends().some((backend) => backend.name === provider);
  if (!known) throw new Error(`onnxruntime has no ${provider} on ${process.platform} ${process.arch}`);
  const { path, threads, prepack = false, spin = true, profile } = options;
  return runtime.load(path, {
    executionProviders: [providerOption(provider)],
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    graphOptimizationLevel: "all",
    enableMemPattern: false, // it lays every intermediate out at once: 40 to 75 MB more for the encoder, and no faster
    logSeverityLevel: 4,
    ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: profile }),
    extra: {
      "session.disable_prepacking": prepack ? "0" : "1",
      "session.intra_op.allow_spinning": spin ? "1" : "0",
      // or the threads wait busily for 40 ms after a run, on cores that the language model needs by then
      "session.force_spinning_stop": "1",
    },
  });
}
