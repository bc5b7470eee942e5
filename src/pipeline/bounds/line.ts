interface Waiting {
  readonly admit: () => boolean;
  readonly resolve: (admitted: boolean) => void;
}

/** A waiting line: whoever comes is let in as soon as there is room, in the order of coming. */
export class Line {
  #waiting: Waiting[] = [];
  #dismissed = false;

  /**
   * @param admit takes the room and says true, or says false; tried at once, and whenever the line moves
   * @returns whether there was room; false as soon as the line is dismissed
   */
  async wait(admit: () => boolean): Promise<boolean> {
    if (this.#dismissed) return false;
    if (admit()) return true;
    return new Promise((resolve) => void this.#waiting.push({ admit, resolve }));
  }

  /** Something became free. */
  move(): void {
    if (this.#waiting.length === 0) return;
    this.#waiting = this.#waiting.filter(({ admit, resolve }) => {
      if (!admit()) return true;
      resolve(true);
      return false;
    });
  }

  /** Sends everyone away, and whoever comes later. */
  dismiss(): void {
    this.#dismissed = true;
    for (const { resolve } of this.#waiting) resolve(false);
    this.#waiting = [];
  }
}
