import { FlashSlothError } from "../core/errors.ts";

export interface AdmissionOptions {
  /** requests that may be at work at once */
  readonly working: number;
  /** requests that may be here at once, at work or waiting */
  readonly most: number;
}

/** A request's place in the server. */
export interface Place {
  /** Resolves when it may begin, first come first served. @throws `interrupted` when aborted before */
  turn(signal: AbortSignal): Promise<void>;
  /** Gives the place back. Idempotent. */
  leave(): void;
}

/** Bounds how many requests are here and how many of them are at work. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #line: (() => void)[] = [];
  #here = 0;
  #working = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** requests that are at work */
  get working(): number {
    return this.#working;
  }

  /** requests that wait until they may begin, or whose body is still on its way */
  get waiting(): number {
    return this.#here - this.#working;
  }

  /** @returns undefined when it is full */
  enter(): Place | undefined {
    if (this.#here >= this.#options.most) return undefined;
    this.#here++;
    let state: "waiting" | "working" | "left" = "waiting";
    return {
      turn: async (signal) => {
        await this.#turn(signal);
        if (state === "left") this.#end();
        else state = "working";
      },
      leave: () => {
        if (state === "left") return;
        if (state === "working") this.#end();
        state = "left";
        this.#here--;
      },
    };
  }

  async #turn(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw gone();
    if (this.#working < this.#options.working) {
      this.#working++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const begin = (): void => {
        signal.removeEventListener("abort", abort);
        this.#working++;
        resolve();
      };
      const abort = (): void => {
        this.#line.splice(this.#line.indexOf(begin), 1);
        reject(gone());
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#line.push(begin);
    });
  }

  #end(): void {
    this.#working--;
    this.#line.shift()?.();
  }
}

function gone(): FlashSlothError {
  return new FlashSlothError("interrupted", "the request is not waited for any longer");
}
