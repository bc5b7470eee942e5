import { PicturesAhead } from "./ahead.ts";
import { BEFORE_READY, paceOf } from "./pace.ts";
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

  constructor({ ordered, now }: BoundsOptions) {
    this.ahead = new PicturesAhead({ pictures: BEFORE_READY.ahead, now });
    this.window = new Window({ ordered, size: BEFORE_READY.window });
    this.places = new Places(BEFORE_READY.places);
  }

  /** The engine works on `parallel` questions at once. */
  setPace(parallel: number): void {
    const { ahead, window, places } = paceOf(parallel);
    this.ahead.resize(ahead);
    this.window.resize(window);
    this.places.resize(places);
  }

  /** Nobody waits for anything any longer: nothing further begins. */
  dismiss(): void {
    this.ahead.dismiss();
    this.window.dismiss();
    this.places.dismiss();
  }
}
