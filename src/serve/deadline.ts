import { FlashSlothError } from "../core/errors.ts";
import { Aborts } from "../engine/aborts.ts";

export interface DeadlineOptions {
  /** @default none */
  readonly limitMs: number | undefined;
  /** what else ends it */
  readonly signals: readonly AbortSignal[];
}

/** `AbortSignal.any` would leave a trace of each request in a signal that outlives it. */
const ABORTS = new Aborts();

/** The time that one request may take, and whether anybody still wants it. */
export class Deadline {
  /** Aborted when the time is over, the client has gone, or the server ends. */
  readonly signal: AbortSignal;
  readonly #ended = new AbortController();
  readonly #watches: readonly (() => void)[];
  readonly #limit: number | undefined;
  readonly #since = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor({ limitMs, signals }: DeadlineOptions) {
    this.#limit = limitMs;
    this.signal = this.#ended.signal;
    this.#watches = signals.map((signal) => ABORTS.on(signal, this.#end));
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
    for (const unwatch of this.#watches) unwatch();
  }
}
