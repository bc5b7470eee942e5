import type { InferenceSession } from "onnxruntime-node";
import type { Binding } from "onnxruntime-node/dist/binding.js";
import { FlashSlothError, messageOf } from "../core/errors.ts";

type Package = typeof import("onnxruntime-node");

/** onnxruntime's package, and the binding below its promises: EmbQ must run while llama.cpp's graph waits for it. */
export interface OnnxRuntime extends Pick<Package, "Tensor" | "env" | "listSupportedBackends"> {
  /** Makes a session. Blocks while the graph is loaded; throws what onnxruntime throws. */
  load(path: string, options: InferenceSession.SessionOptions): NativeSession;
}

/** onnxruntime-node's own synchronous session (`dist/binding.d.ts` of the pinned release). */
export type NativeSession = Binding.InferenceSession;

let library: Promise<OnnxRuntime> | undefined;

/**
 * onnxruntime, loaded on the first call: the library is 45 MB and most commands never need it.
 * @throws `native` when the package or its library is missing or unfit for this system
 */
export function loadOnnxRuntime(): Promise<OnnxRuntime> {
  library ??= importQuietly();
  return library;
}

async function importQuietly(): Promise<OnnxRuntime> {
  try {
    const { env, Tensor, listSupportedBackends } = await import("onnxruntime-node");
    const { binding, initOrt } = await import("onnxruntime-node/dist/binding.js");
    // only fatal messages: every failed provider would otherwise print a page on stderr
    env.logLevel = "fatal";
    const load = (path: string, options: InferenceSession.SessionOptions): NativeSession => {
      initOrt();
      const session = new binding.InferenceSession();
      session.loadModel(path, options);
      return session;
    };
    return { Tensor, env, listSupportedBackends, load };
  } catch (error) {
    throw new FlashSlothError("native", `onnxruntime does not load: ${messageOf(error)}`, {
      cause: error,
      hint: "install again with `npm install`, on a system that onnxruntime-node has a library for",
    });
  }
}
