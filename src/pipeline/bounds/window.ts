import { Line } from "./line.ts";

/**
 * So far beyond the window are jobs read: bad ones may lie between the next good ones, which shall get ready ahead of their
 * turn.
 */
const READ_BEYOND = 64;

export interface WindowOptions {
  /** Give what is put in by position, or as it comes. */
  readonly ordered: boolean;
  /** Positions from the first that was not taken yet on that may be worked on. */
  readonly size: number;
}

/**
 * Where outcomes wait to be taken in order. Each has a position, counted from 0; what is worked on is never further than
 * `size` positions ahead of what was taken, so that one slow outcome holds up a bounded number of others.
 */
export class Window<T> {
  readonly #ordered: boolean;
  #size: number;
  /** outcomes given away, and of those: how many the reader is done with */
  #given = 0;
  #taken = 0;
  #held = new Map<number, T>();
  readonly #line = new Line();
  #ended = false;
  #failure: { readonly reason: unknown } | undefined;
  #wakeReader: (() => void) | undefined;

  constructor(options: WindowOptions) {
    this.#ordered = options.ordered;
    this.#size = options.size;
  }

  resize(size: number): void {
    this.#size = size;
    this.#line.move();
  }

  /** Waits until `position` may be worked on. @returns false once dismissed */
  async room(position: number): Promise<boolean> {
    return this.#line.wait(() => position < this.#taken + this.#size);
  }

  /** Waits until a job that begins at `position` may be read. @returns false once dismissed */
  async near(position: number): Promise<boolean> {
    return this.#line.wait(() => position < this.#taken + this.#size + READ_BEYOND);
  }

  /** Outcomes are there: the first at `position`, the others behind it. */
  put(position: number, outcomes: readonly T[]): void {
    for (const [index, outcome] of outcomes.entries()) this.#held.set(position + index, outcome);
    this.#wake();
  }

  /**
   * The next outcome, as soon as it is there. It counts as taken when `took` says so.
   * @returns undefined at the end
   * @throws what the window ended with
   */
  async next(): Promise<T | undefined> {
    for (;;) {
      const position = this.#nextPosition();
      const outcome = position === undefined ? undefined : this.#held.get(position);
      if (position !== undefined && outcome !== undefined) {
        this.#held.delete(position);
        this.#given++;
        return outcome;
      }
      if (this.#failure !== undefined) throw this.#failure.reason;
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => (this.#wakeReader = resolve));
    }
  }

  /** The reader is done with everything it was given. */
  took(): void {
    this.#taken = this.#given;
    this.#line.move();
  }

  /** Nobody waits for room any longer: nothing more is begun. */
  dismiss(): void {
    this.#line.dismiss();
  }

  /** No more outcomes come; some positions may have stayed empty. @param failure thrown behind the last outcome */
  end(failure?: { readonly reason: unknown }): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    if (this.#ordered) this.#held = new Map([...this.#held].sort(([a], [b]) => a - b));
    this.#wake();
  }

  #nextPosition(): number | undefined {
    if (this.#ordered && !this.#ended) return this.#given;
    const [first] = this.#held.keys();
    return first;
  }

  #wake(): void {
    this.#wakeReader?.();
    this.#wakeReader = undefined;
  }
}
