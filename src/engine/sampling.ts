import type { NativeContext } from "../language/ffi/context.ts";
import type { NativeGrammar } from "../language/ffi/grammar.ts";
import type { NativeSampler } from "../language/ffi/sampler.ts";

export interface SamplingOptions {
  readonly context: NativeContext;
  /** owned by the sampling */
  readonly sampler: NativeSampler;
  /** What the answer must follow; owned by the sampling. @default any text */
  readonly grammar?: NativeGrammar | undefined;
}

/** Takes one token after the other from logits, as sampler and grammar want it. */
export class Sampling {
  readonly #options: SamplingOptions;

  constructor(options: SamplingOptions) {
    this.#options = options;
  }

  /**
   * What the grammar refuses is ruled out and sampled again: the same distribution as ruling it out before.
   * @param row the batch's, whose logits were wanted
   */
  next(row: number): number {
    const { context, sampler, grammar } = this.#options;
    let token = sampler.sample(context, row);
    if (grammar !== undefined) {
      if (!grammar.allows(token)) {
        context.changeLogits(row, (logits) => grammar.mask(logits));
        token = sampler.sample(context, row);
      }
      grammar.accept(token);
    }
    return token;
  }

  dispose(): void {
    this.#options.sampler.dispose();
    this.#options.grammar?.dispose();
  }
}
