import { createRequire } from "node:module";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { type InferenceSession, Tensor } from "onnxruntime-common";
import type { Binding, binding } from "onnxruntime-node/dist/binding.js";
import { FlashSlothError, messageOf } from "../core/errors.ts";
import { installedOnnxRuntime } from "./installed.ts";
import { disableTelemetry } from "./telemetry.ts";

/** onnxruntime-node's native part, below its promises: EmbQ must run while llama.cpp's graph waits for it. */
export interface OnnxRuntime {
  /** Providers that were compiled in, which need not work here. */
  listSupportedBackends(): readonly { readonly name: string }[];
  /** Makes a session. Blocks while the graph is loaded; throws what onnxruntime throws. */
  load(path: string, options: InferenceSession.SessionOptions): NativeSession;
}

/** onnxruntime-node's own synchronous session (`dist/binding.d.ts` of the pinned release). */
export type NativeSession = Binding.InferenceSession;

/** `ORT_LOGGING_LEVEL_FATAL`: every failed provider would otherwise print a page on stderr. */
const LOG_FATAL = 4;

const require = createRequire(import.meta.url);

let library: OnnxRuntime | undefined;

/** The release of onnxruntime that is installed, such as `1.30.0`. */
export function onnxruntimeRelease(): string {
  return installedOnnxRuntime().release;
}

/**
 * onnxruntime, loaded on the first call: the library is 45 MB and most commands never need it. Its native part is taken
 * without the modules around it, which would be looked up one by one in every start.
 * @throws `native` when the package or its library is missing or unfit for this system
 */
export function loadOnnxRuntime(): OnnxRuntime {
  library ??= open();
  return library;
}

function open(): OnnxRuntime {
  disableTelemetry();
  try {
    const native = require(
      join(installedOnnxRuntime().libraries, "onnxruntime_binding.node"),
    ) as typeof binding;
    native.initOrtOnce(LOG_FATAL, Tensor, isMainThread);
    return {
      listSupportedBackends: () => native.listSupportedBackends(),
      load: (path, options) => {
        const session = new native.InferenceSession();
        session.loadModel(path, options);
        return session;
      },
    };
  } catch (error) {
    throw new FlashSlothError("native", `onnxruntime does not load: ${messageOf(error)}`, {
      cause: error,
      hint: "install again with `npm install`, on a system that onnxruntime-node has a library for",
    });
  }
}
