/**
 * Finds the first of some strings in text that comes in pieces: what is found does not depend on how it was cut. Of several,
 * the one that is complete first ends the text.
 */
export class StopText {
  readonly #stops: readonly string[];
  /** the end of what came, which may be the beginning of a stop */
  #held = "";
  #stopped = false;

  /** @param stops none of them empty */
  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** Whether one was found: the text ends before it. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** What of the text so far, and not given yet, is before any stop. */
  push(piece: string): string {
    if (this.#stopped) return "";
    const text = this.#held + piece;
    const found = this.#stops
      .map((stop) => ({ from: text.indexOf(stop), length: stop.length }))
      .filter(({ from }) => from >= 0)
      .toSorted((a, b) => a.from + a.length - (b.from + b.length) || a.from - b.from);
    const [first] = found;
    if (first !== undefined) {
      this.#stopped = true;
      this.#held = "";
      return text.slice(0, first.from);
    }
    const begun = Math.max(0, ...this.#stops.map((stop) => overlap(text, stop)));
    this.#held = text.slice(text.length - begun);
    return text.slice(0, text.length - begun);
  }

  /** The rest, when nothing follows. */
  end(): string {
    const rest = this.#held;
    this.#held = "";
    return rest;
  }
}

/** How much of `stop` the text ends with, short of all of it. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
