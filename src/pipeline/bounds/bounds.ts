import { PicturesAhead } from "./ahead.ts";
import { BEFORE_READY, paceOf, type Pace } from "./pace.ts";
import { Places } from "./places.ts";
import { Window } from "./window.ts";

export interface BoundsOptions {
  /** Outcomes are given in the order of their positions. */
  readonly ordered: boolean;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** All that keeps a run from doing too much at once: a job passes `ahead`, `window` and `places`, in this order. */
export class Bounds<T> {
  readonly ahead: PicturesAhead;
  readonly window: Window<T>;
  readonly places: Places;
  #pace: Pace = BEFORE_READY;
  #answered = false;

  constructor({ ordered, now }: BoundsOptions) {
    this.ahead = new PicturesAhead({ pictures: BEFORE_READY.ahead, now });
    this.window = new Window({ ordered, size: BEFORE_READY.window });
    this.places = new Places(BEFORE_READY.places);
  }

  /** The engine works on `parallel` questions at once. */
  setPace(parallel: number): void {
    this.#pace = paceOf(parallel);
    this.ahead.resize(this.#pace.ahead);
    this.window.resize(this.#pace.window);
    if (this.#answered) this.places.resize(this.#pace.places);
  }

  /** There is a first answer: it had the engine to itself, so that nobody waits for it longer than for an only one. */
  answered(): void {
    if (this.#answered) return;
    this.#answered = true;
    this.places.resize(this.#pace.places);
  }

  /** Nobody waits for anything any longer: nothing further begins. */
  dismiss(): void {
    this.ahead.dismiss();
    this.window.dismiss();
    this.places.dismiss();
  }
}
