import type { LanguageModel } from "../language/language-model.ts";
import type { Answer, AskHooks } from "./api.ts";
import type { Continuation, Finding } from "./continuation.ts";
import { Repetition } from "./repetition.ts";
import type { Sampling } from "./sampling.ts";
import { TextStream } from "./text-stream.ts";
import { tokenLogprob, type TokenLogprob } from "./token-logprobs.ts";

export interface GenerationOptions {
  readonly language: Pick<LanguageModel, "endsAnswer" | "tokenBytes">;
  /** owned by the generation */
  readonly sampling: Pick<Sampling, "next" | "dispose">;
  readonly maxTokens: number;
  /** @default false */
  readonly ignoreEnd?: boolean | undefined;
  /** Whether the answer may repeat itself without end. @default false: it is cut off */
  readonly mayRepeat?: boolean | undefined;
  /** Strings before which the answer ends, none of them empty. @default none */
  readonly stop?: readonly string[] | undefined;
  /** What each token was given: how many of the likeliest, and where its logits are. @default it is not looked at */
  readonly logprobs?: LogprobsWanted | undefined;
  /** @default none */
  readonly onText?: AskHooks["onText"];
}

export interface LogprobsWanted {
  readonly top: number;
  /** A copy of the logits of one row of the last batch: float32 [vocabulary]. */
  readonly logits: (row: number) => Float32Array;
}

/** Samples tokens until an end token, the limit, a repetition without end, a string to stop at, or until it is stopped. */
export class Generation implements Continuation {
  readonly ids: number[] = [];
  firstTokenAt: number | undefined;
  readonly #options: GenerationOptions;
  readonly #stream: TextStream;
  readonly #repetition: Repetition | undefined;
  /** how many of the tokens have become text: all but what may turn out to be a repetition */
  #said = 0;
  /** how many of those have some of their text in the answer */
  #told = 0;
  readonly #logprobs: TokenLogprob[] = [];
  #finish: Answer["finish"] | undefined;

  constructor(options: GenerationOptions) {
    this.#options = options;
    this.#stream = new TextStream({ stop: options.stop });
    this.#repetition = options.mayRepeat === true ? undefined : new Repetition();
  }

  get ended(): boolean {
    return this.#finish !== undefined;
  }

  takeLogits(row: number): void {
    const { language, sampling, maxTokens, ignoreEnd = false, logprobs } = this.#options;
    const logits = logprobs?.logits(row); // before a grammar changes them
    const token = sampling.next(row);
    this.firstTokenAt ??= performance.now();
    if (!ignoreEnd && language.endsAnswer(token)) {
      this.#end("stop");
      return;
    }
    this.ids.push(token);
    if (logprobs !== undefined && logits !== undefined) {
      const bytesOf = (id: number): Uint8Array => language.tokenBytes(id);
      this.#logprobs.push(tokenLogprob({ logits, token, top: logprobs.top, bytesOf }));
    }
    this.#repetition?.push(token);
    this.#sayUpTo(this.ids.length - (this.#repetition?.pending ?? 0));
    // a character that the cut divides is never finished, and not said
    if (this.#stream.stopped) this.#finish = "stop";
    else if (this.#repetition?.endless === true) this.#finish = "repetition";
    else if (this.ids.length === maxTokens) this.#end("length");
  }

  stop(finish: "interrupted" | "timeout"): void {
    if (!this.ended) this.#end(finish);
  }

  found(): Finding {
    const length = this.#stream.stopped ? this.#told : this.#said;
    return {
      text: this.#stream.text,
      ids: this.ids.slice(0, length),
      tokens: this.ids.length,
      finish: this.#finish ?? "interrupted",
      ...(this.#options.logprobs !== undefined && { logprobs: this.#logprobs.slice(0, length) }),
    };
  }

  dispose(): void {
    this.#options.sampling.dispose();
  }

  #end(finish: Answer["finish"]): void {
    this.#finish = finish;
    this.#sayUpTo(this.ids.length);
    this.#say(this.#stream.end());
    if (this.#stream.stopped) this.#finish = "stop";
  }

  #sayUpTo(count: number): void {
    const { language } = this.#options;
    while (this.#said < count && !this.#stream.stopped) {
      const token = this.ids[this.#said++];
      if (token !== undefined) this.#say(this.#stream.push(language.tokenBytes(token)));
    }
  }

  #say(piece: string): void {
    if (piece === "") return;
    const logprobs = this.#options.logprobs && this.#logprobs.slice(this.#told, this.#said);
    this.#told = this.#said;
    this.#options.onText?.(piece, logprobs);
  }
}
