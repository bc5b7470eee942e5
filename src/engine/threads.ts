import { usableCores, type UsableCoresOptions } from "../core/machine/processors.ts";

/**
 * Below this width a layer's products are so short that threads wait for each other longer than they compute:
 * on two busy cores the demo model (width 128) answers 10 to 50 times faster on one thread than on two.
 */
export const WORTH_SHARING: number = 512;

/**
 * Threads for a model of this width: one for a tiny model, else as many as there are cores for this process.
 * @param hiddenSize of the language model
 */
export async function defaultThreads(hiddenSize: number, options?: UsableCoresOptions): Promise<number> {
  return hiddenSize < WORTH_SHARING ? 1 : await usableCores(options);
}
