/**
 * Counts the cells of a KV cache that several sequences share: a cell is free again when the last sequence that holds it
 * lets go. llama.cpp keeps the same books and does not show them.
 */
export class CellCount {
  readonly #sequences = new Map<number, number[]>();
  /** how many sequences hold a cell */
  readonly #holders = new Map<number, number>();
  #next = 0;

  /** cells that some sequence holds */
  get used(): number {
    return this.#holders.size;
  }

  /** Adds `count` new cells at the end of a sequence. */
  extend(sequence: number, count: number): void {
    const cells = this.#of(sequence);
    for (let i = 0; i < count; i++) {
      cells.push(this.#next);
      this.#holders.set(this.#next++, 1);
    }
  }

  /** Lets an empty sequence hold the first `length` cells of another one. */
  share(from: number, to: number, length: number): void {
    const shared = this.#of(from).slice(0, length);
    for (const cell of shared) this.#holders.set(cell, (this.#holders.get(cell) ?? 0) + 1);
    this.#of(to).push(...shared);
  }

  /** Lets go of a sequence's cells from the `length`-th on. */
  truncate(sequence: number, length: number): void {
    for (const cell of this.#of(sequence).splice(length)) {
      const holders = (this.#holders.get(cell) ?? 1) - 1;
      if (holders === 0) this.#holders.delete(cell);
      else this.#holders.set(cell, holders);
    }
  }

  #of(sequence: number): number[] {
    const known = this.#sequences.get(sequence);
    if (known !== undefined) return known;
    const cells: number[] = [];
    this.#sequences.set(sequence, cells);
    return cells;
  }
}
