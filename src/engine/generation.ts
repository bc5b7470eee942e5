import type { NativeContext } from "../language/ffi/context.ts";
import type { NativeGrammar } from "../language/ffi/grammar.ts";
import type { NativeSampler } from "../language/ffi/sampler.ts";
import type { LanguageModel } from "../language/language-model.ts";
import type { Answer } from "./api.ts";
import type { Continuation, Finding } from "./continuation.ts";
import { TextStream } from "./text-stream.ts";

export interface GenerationOptions {
  readonly language: Pick<LanguageModel, "endsAnswer" | "tokenBytes">;
  readonly context: NativeContext;
  /** owned by the generation */
  readonly sampler: NativeSampler;
  /** What the answer must follow; owned by the generation. @default any text */
  readonly grammar?: NativeGrammar | undefined;
  readonly maxTokens: number;
  /** @default false */
  readonly ignoreEnd?: boolean | undefined;
  /** @default none */
  readonly onText?: ((piece: string) => void) | undefined;
}

/** Samples tokens until an end token, the limit, or a stop. */
export class Generation implements Continuation {
  readonly ids: number[] = [];
  firstTokenAt: number | undefined;
  readonly #options: GenerationOptions;
  readonly #stream = new TextStream();
  #finish: Answer["finish"] | undefined;

  constructor(options: GenerationOptions) {
    this.#options = options;
  }

  get ended(): boolean {
    return this.#finish !== undefined;
  }

  takeLogits(row: number): void {
    const { language, maxTokens, ignoreEnd = false } = this.#options;
    const token = this.#sample(row);
    this.firstTokenAt ??= performance.now();
    if (!ignoreEnd && language.endsAnswer(token)) {
      this.#end("stop");
      return;
    }
    this.ids.push(token);
    this.#say(this.#stream.push(language.tokenBytes(token)));
    if (this.ids.length === maxTokens) this.#end("length");
  }

  stop(finish: "interrupted" | "timeout"): void {
    if (!this.ended) this.#end(finish);
  }

  found(): Finding {
    return {
      text: this.#stream.text,
      ids: this.ids,
      tokens: this.ids.length,
      finish: this.#finish ?? "interrupted",
    };
  }

  dispose(): void {
    this.#options.sampler.dispose();
    this.#options.grammar?.dispose();
  }

  /** What the grammar refuses is ruled out and sampled again: the same distribution as ruling it out before. */
  #sample(row: number): number {
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

  #end(finish: Answer["finish"]): void {
    this.#finish = finish;
    this.#say(this.#stream.end());
  }

  #say(piece: string): void {
    if (piece !== "") this.#options.onText?.(piece);
  }
}
