import { FlashSlothError } from "../core/errors.ts";

export interface TimeLimitOptions {
  /** undefined: no limit */
  readonly timeoutMs: number | undefined;
  /** when the time began, on the clock of `now` */
  readonly start: number;
  /** milliseconds of a monotonic clock */
  readonly now: () => number;
}

/** The time that one picture may take, all its questions included. */
export class TimeLimit {
  readonly #options: TimeLimitOptions;

  constructor(options: TimeLimitOptions) {
    this.#options = options;
  }

  /** Milliseconds, undefined without a limit. @throws `timeout` when nothing is left */
  left(): number | undefined {
    const { timeoutMs, start, now } = this.#options;
    if (timeoutMs === undefined) return undefined;
    const left = timeoutMs - (now() - start);
    if (left <= 0) throw this.error();
    return left;
  }

  error(): FlashSlothError {
    return new FlashSlothError("timeout", `no answer within ${(this.#options.timeoutMs ?? 0) / 1000} s`, {
      hint: "give it more time with --timeout",
    });
  }
}
