import { FlashSlothError } from "../core/errors.ts";

export interface DeadlineOptions {
  /** @default none */
  readonly limitMs: number | undefined;
  /** what else ends it */
  readonly signals: readonly AbortSignal[];
}

/** The time that one request may take, and whether anybody still wants it. */
export class Deadline {
  /** Aborted when the time is over, the client has gone, or the server ends. */
  readonly signal: AbortSignal;
  readonly #ended = new AbortController();
  readonly #signals: readonly AbortSignal[];
  readonly #limit: number | undefined;
  readonly #since = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor({ limitMs, signals }: DeadlineOptions) {
    this.#limit = limitMs;
    this.#signals = signals;
    this.signal = this.#ended.signal;
    // `AbortSignal.any` would leave a trace of each request in a signal that outlives it
    for (const signal of signals) {
      if (signal.aborted) this.#end();
      else signal.addEventListener("abort", this.#end, { once: true });
    }
    // the engine stops by itself at the limit, and keeps what was said; this is for what comes before
    const stop = (): void => {
      this.#over = true;
      if (!this.#asked) this.#end();
    };
    this.#timer = limitMs === undefined ? undefined : setTimeout(stop, limitMs);
  }

  readonly #end = (): void => this.#ended.abort();

  #asked = false;

  /** Milliseconds that the engine has left for the question; from now on it keeps the time. */
  get leftMs(): number | undefined {
    this.#asked = true;
    if (this.#limit === undefined) return undefined;
    return Math.max(0, this.#limit - (performance.now() - this.#since));
  }

  /** That the time is over, where that is why something failed. */
  over(error: unknown): unknown {
    return this.#over ? Deadline.passed(error) : error;
  }

  static passed(cause?: unknown): FlashSlothError {
    return new FlashSlothError("timeout", "the time for one request is over", { cause });
  }

  /** Ends the timer, and hears of nothing any more. Idempotent. */
  clear(): void {
    clearTimeout(this.#timer);
    for (const signal of this.#signals) signal.removeEventListener("abort", this.#end);
  }
}
