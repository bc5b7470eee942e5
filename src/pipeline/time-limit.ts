export interface TimeLimitOptions {
  /** @default none */
  readonly limitMs?: number | undefined;
  /** what is gone of it already */
  readonly spentMs: number;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/**
 * The time that one picture and its questions may take. It passes while at least one question is with the engine or waits to
 * get there, and not while the reader of the answers takes its time.
 */
export class TimeLimit {
  readonly #limit: number;
  readonly #now: () => number;
  #spent: number;
  #running = 0;
  #since = 0;
  /** of the span since `#since`: waiting for models, which is not counted */
  #waited = 0;
  #exhausted = false;

  constructor(options: TimeLimitOptions) {
    this.#limit = options.limitMs ?? Number.POSITIVE_INFINITY;
    this.#spent = options.spentMs;
    this.#now = options.now;
  }

  /** Milliseconds that are left; none from 0 down. */
  get left(): number {
    if (this.#exhausted) return 0;
    const running = this.#running > 0 ? this.#now() - this.#since - this.#waited : 0;
    return this.#limit - this.#spent - running;
  }

  /** A question begins. */
  start(): void {
    if (this.#running++ > 0) return;
    this.#since = this.#now();
    this.#waited = 0;
  }

  /** A question has ended. @param waited for models, in milliseconds */
  stop(waited: number): void {
    this.#waited = Math.max(this.#waited, waited);
    if (--this.#running === 0) this.#spent += this.#now() - this.#since - this.#waited;
  }

  /** An answer was cut off: whatever the clocks say, nothing is left. */
  exhaust(): void {
    this.#exhausted = true;
  }
}
