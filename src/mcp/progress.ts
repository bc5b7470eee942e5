/** More often than this nobody looks. */
const EVERY_MS = 200;
/** As often as this something is said, so that a client which waits for signs of life does not give up. */
const ALIVE_MS = 5_000;

export interface ProgressOptions {
  /** Sends a notification: how far it is, in a unit of its own that only grows, and words. */
  readonly send: (progress: number, message: string) => void;
  /** Milliseconds of a monotonic clock. @default performance.now */
  readonly now?: (() => number) | undefined;
}

/** How far one call is, for a client that asked to be told. */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #alive: NodeJS.Timeout;
  #done = 0;
  #said = 0;
  #saidAt = Number.NEGATIVE_INFINITY;
  #message = "at work";

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#alive = setInterval(() => this.#send(), ALIVE_MS).unref();
  }

  /** @param step what was done since, in the call's own unit; @default 1 */
  say(message: string, step = 1): void {
    this.#done += step;
    this.#message = message;
    if (this.#now() - this.#saidAt >= EVERY_MS) this.#send();
  }

  end(): void {
    clearInterval(this.#alive);
  }

  #send(): void {
    // the protocol wants it to grow with every notification
    this.#done = Math.max(this.#done, this.#said + 1);
    this.#said = this.#done;
    this.#saidAt = this.#now();
    this.#options.send(this.#done, this.#message);
  }

  #now(): number {
    return (this.#options.now ?? performance.now.bind(performance))();
  }
}
