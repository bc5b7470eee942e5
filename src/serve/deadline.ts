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
  readonly #limit: number | undefined;
  readonly #since = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor({ limitMs, signals }: DeadlineOptions) {
    const late = new AbortController();
    this.#limit = limitMs;
    this.signal = AbortSignal.any([late.signal, ...signals]);
    // the engine stops by itself at the limit, and keeps what was said; this is for what comes before
    const stop = (): void => {
      this.#over = true;
      if (!this.#asked) late.abort();
    };
    this.#timer = limitMs === undefined ? undefined : setTimeout(stop, limitMs);
  }

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

  /** Ends the timer. Idempotent. */
  clear(): void {
    clearTimeout(this.#timer);
  }
}
