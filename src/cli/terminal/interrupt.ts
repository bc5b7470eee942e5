const SIGNALS = ["SIGINT", "SIGTERM"] as const satisfies readonly NodeJS.Signals[];

export interface InterruptOptions {
  /** Called on the first signal, when there is something to finish. */
  readonly onFirst?: ((signal: NodeJS.Signals) => void) | undefined;
  /** Called just before the process dies of a signal: put the terminal back as it was. */
  readonly onLast?: (() => void) | undefined;
}

/**
 * Ctrl-C, twice: the first aborts `signal`, so that the work in hand is finished and nothing new begun; the second
 * dies of the signal itself. `process.exit()` would not do: while the engine's thread is inside onnxruntime it aborts
 * the process with a core dump, and a default-action signal does not.
 */
export class Interrupts {
  /** While true, the first signal acts like the second: there is nothing worth finishing. */
  immediate = false;
  /** What the first signal lets be finished, as in "finishing this answer"; undefined where the work is stopped in its midst. */
  inHand: string | undefined;
  /** Has each Ctrl-C in place of the program, while it is set: where that stops an answer and nothing else. */
  taker: (() => void) | undefined;
  readonly #options: InterruptOptions;
  readonly #controller = new AbortController();
  #received: NodeJS.Signals | undefined;

  constructor(options: InterruptOptions = {}) {
    this.#options = options;
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  /** Aborted by the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The first signal that came. */
  get received(): NodeJS.Signals | undefined {
    return this.#received;
  }

  /** Gives the signals back to the system. */
  dispose(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    if (signal === "SIGINT" && this.taker !== undefined) {
      this.taker();
      return;
    }
    if (this.#received !== undefined || this.immediate) {
      this.#options.onLast?.();
      this.dispose();
      process.kill(process.pid, signal);
      return;
    }
    this.#received = signal;
    this.#options.onFirst?.(signal);
    this.#controller.abort();
  };
}
