import type { LlamaLibrary } from "./library.ts";
import type { NativeContext } from "./context.ts";
import type { Pointer } from "./functions.ts";

export interface SamplerOptions {
  readonly library: LlamaLibrary;
  /** 0 takes the likeliest token. @default 0 */
  readonly temperature?: number | undefined;
  /** Smallest set of tokens whose probabilities reach this sum, in (0, 1]. @default 1 */
  readonly topP?: number | undefined;
  /** Unsigned 32 bit. @default 0 */
  readonly seed?: number | undefined;
}

/** Owns a `llama_sampler` chain. */
export class NativeSampler {
  readonly #library: LlamaLibrary;
  #pointer: Pointer | undefined;

  constructor(options: SamplerOptions) {
    const { library, temperature = 0, topP = 1, seed = 0 } = options;
    const { functions } = library;
    this.#library = library;
    const chain = functions.llama_sampler_chain_init(functions.llama_sampler_chain_default_params());
    this.#pointer = chain;
    if (temperature === 0) {
      functions.llama_sampler_chain_add(chain, functions.llama_sampler_init_greedy());
      return;
    }
    // the order of the published implementation's generate(): temperature, then top-p
    functions.llama_sampler_chain_add(chain, functions.llama_sampler_init_temp(temperature));
    if (topP < 1) functions.llama_sampler_chain_add(chain, functions.llama_sampler_init_top_p(topP, 1));
    functions.llama_sampler_chain_add(chain, functions.llama_sampler_init_dist(seed));
  }

  /** The next token after a row of the last `decode`. @param row its place in the batch; its logits were wanted */
  sample(context: NativeContext, row: number): number {
    if (this.#pointer === undefined) throw new TypeError("the sampler is disposed");
    return this.#library.functions.llama_sampler_sample(this.#pointer, context.pointer, row);
  }

  dispose(): void {
    if (this.#pointer === undefined) return;
    this.#library.functions.llama_sampler_free(this.#pointer);
    this.#pointer = undefined;
  }
}
