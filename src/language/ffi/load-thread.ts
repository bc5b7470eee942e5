import { parentPort, workerData } from "node:worker_threads";
import koffi from "koffi";
import { progressCallbackType } from "./abi.ts";
import { FilePages } from "./file-pages.ts";
import { bindFunctions, openLibraries, type Pointer } from "./functions.ts";
import type { NativeFiles } from "./locate.ts";

/**
 * A thread that loads one model and ends. llama.cpp copies most weights into the layout of its kernels and never reads
 * the file's again: their pages are given back as it goes, which needs JavaScript on the thread that loads.
 */

export interface LoadRequest {
  readonly files: NativeFiles;
  /** A GGUF file. */
  readonly path: string;
  /** fields of `llama_model_params` that differ from its defaults */
  readonly params: Readonly<Record<string, number | boolean>>;
  /** Leave every GPU alone, which a build for one would give large products to. */
  readonly onCpu: boolean;
}

/** A list of `ggml_backend_dev_t` that ends at once. */
const NO_DEVICES = new BigUint64Array(1);

/** The model's address; null when llama.cpp refuses the file. */
export type LoadReply = Pointer | null;

/** Pages are given back whenever another share of this size is done. */
const STEP = 1 / 8;

function load({ files, path, params, onCpu }: LoadRequest): LoadReply {
  const functions = bindFunctions(openLibraries(files));
  const pages = new FilePages(path);
  let released = 0;
  const callback = koffi.register((done: number): boolean => {
    if (done - released >= STEP || done === 1) {
      pages.release();
      released = done;
    }
    return true;
  }, koffi.pointer(progressCallbackType()));
  try {
    return functions.llama_model_load_from_file(path, {
      ...functions.llama_model_default_params(),
      ...params,
      ...(onCpu && { devices: NO_DEVICES }),
      progress_callback: callback,
    });
  } finally {
    koffi.unregister(callback);
  }
}

parentPort?.postMessage(load(workerData as LoadRequest) satisfies LoadReply);
