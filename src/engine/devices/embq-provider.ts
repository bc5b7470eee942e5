import type { Provider } from "../../core/model/device.ts";

/**
 * What runs EmbQ beside an encoder: the question's length varies, for which WebGPU compiles its kernels anew each time and CoreML cuts
 * the graph into pieces. It is a hundredth of the encoder's work, on rows that llama.cpp hands over in main memory.
 */
export function embqProvider(vision: Provider): Provider {
  return vision === "cuda" ? "cuda" : "cpu";
}
