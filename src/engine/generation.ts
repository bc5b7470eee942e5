import type { LanguageModel } from "../language/language-model.ts";
import type { Answer } from "./api.ts";
import type { Continuation, Finding } from "./continuation.ts";
import { Repetition } from "./repetition.ts";
import type { Sampling } from "./sampling.ts";
import { TextStream } from "./text-stream.ts";

export interface GenerationOptions {
  readonly language: Pick<LanguageModel, "endsAnswer" | "tokenBytes">;
  /** owned by the generation */
  readonly sampling: Pick<Sampling, "next" | "dispose">;
  readonly maxTokens: number;
  /** @default false */
  readonly ignoreEnd?: boolean | undefined;
  /** Whether the answer may repeat itself without end. @default false: it is cut off */
  readonly mayRepeat?: boolean | undefined;
  /** @default none */
  readonly onText?: ((piece: string) => void) | undefined;
}

/** Samples tokens until an end token, the limit, a repetition without end, or a stop. */
export class Generation implements Continuation {
  readonly ids: number[] = [];
  firstTokenAt: number | undefined;
  readonly #options: GenerationOptions;
  readonly #stream = new TextStream();
  readonly #repetition: Repetition | undefined;
  /** how many of the tokens have become text: all but what may turn out to be a repetition */
  #said = 0;
  #finish: Answer["finish"] | undefined;

  constructor(options: GenerationOptions) {
    this.#options = options;
    this.#repetition = options.mayRepeat === true ? undefined : new Repetition();
  }

  get ended(): boolean {
    return this.#finish !== undefined;
  }

  takeLogits(row: number): void {
    const { language, sampling, maxTokens, ignoreEnd = false } = this.#options;
    const token = sampling.next(row);
    this.firstTokenAt ??= performance.now();
    if (!ignoreEnd && language.endsAnswer(token)) {
      this.#end("stop");
      return;
    }
    this.ids.push(token);
    this.#repetition?.push(token);
    this.#sayUpTo(this.ids.length - (this.#repetition?.pending ?? 0));
    // a character that the cut divides is never finished, and not said
    if (this.#repetition?.endless === true) this.#finish = "repetition";
    else if (this.ids.length === maxTokens) this.#end("length");
  }

  stop(finish: "interrupted" | "timeout"): void {
    if (!this.ended) this.#end(finish);
  }

  found(): Finding {
    return {
      text: this.#stream.text,
      ids: this.ids.slice(0, this.#said),
      tokens: this.ids.length,
      finish: this.#finish ?? "interrupted",
    };
  }

  dispose(): void {
    this.#options.sampling.dispose();
  }

  #end(finish: Answer["finish"]): void {
    this.#finish = finish;
    this.#sayUpTo(this.ids.length);
    this.#say(this.#stream.end());
  }

  #sayUpTo(count: number): void {
    const { language } = this.#options;
    for (const token of this.ids.slice(this.#said, count))
      this.#say(this.#stream.push(language.tokenBytes(token)));
    this.#said = Math.max(this.#said, count);
  }

  #say(piece: string): void {
    if (piece !== "") this.#options.onText?.(piece);
  }
}
