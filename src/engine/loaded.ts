import type { Arithmetic, Backend, Provider } from "../core/model/device.ts";

/** What really loaded. */
export interface DeviceReport {
  /** onnxruntime's provider: `cpu`, `cuda`, `coreml`, `webgpu` */
  readonly vision: Provider;
  /** what the vision encoder's matrix products are computed in: `float16` only on a GPU that was found exact enough in it */
  readonly arithmetic: Arithmetic;
  /** crops that the vision encoder takes at once, at most */
  readonly cropsPerRun: number;
  /** llama.cpp's backend: `cpu`, `cuda`, `metal`, `vulkan` */
  readonly language: Backend;
  /** what ggml computes with: a GPU by its name, and the build for this CPU */
  readonly about: string;
  /** what was tried first and why it was not taken, a sentence each */
  readonly notes: readonly string[];
  /** those that a person should hear of: a device that was just found to be wrong, parts on devices that have nothing in common */
  readonly remarks: readonly string[];
  /** processes that were started to try devices: none where their verdicts were known */
  readonly trials: number;
}

/** Counts since the engine started: what work was done, not how long it took. */
export interface EngineCounters {
  readonly picturesEncoded: number;
  /** pictures whose features were read from the disk instead */
  readonly featuresRead: number;
  readonly prefixPrefills: number;
  /** pictures whose prefix was read from the disk instead */
  readonly prefixesRead: number;
  readonly questions: number;
  /** graphs of the language model, and the rows computed in them */
  readonly batches: number;
  readonly rows: number;
  /** times a question lost its place in the KV cache and was computed again */
  readonly restarts: number;
}

export interface EngineInfo {
  readonly name: string;
  readonly device: DeviceReport;
  readonly loadMs: {
    readonly vision: number;
    readonly language: number;
    readonly embq: number;
    readonly total: number;
  };
  readonly threads: number;
  /** questions that are worked on at once */
  readonly parallel: number;
}
