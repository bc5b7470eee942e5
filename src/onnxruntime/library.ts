import { FlashSlothError, messageOf } from "../core/errors.ts";

export type OnnxRuntime = typeof import("onnxruntime-node");

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
    const runtime = await import("onnxruntime-node");
    // only fatal messages: every failed provider would otherwise print a page on stderr
    runtime.env.logLevel = "fatal";
    return runtime;
  } catch (error) {
    throw new FlashSlothError("native", `onnxruntime does not load: ${messageOf(error)}`, {
      cause: error,
      hint: "install again with `npm install`, on a system that onnxruntime-node has a library for",
    });
  }
}
