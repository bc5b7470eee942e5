/** A block longer than this is not looked for: four of them are the longest answer that is usual. */
const LONGEST_BLOCK = 128;
/** So many blocks after one another, and so many tokens in all, are a repetition without end. */
const LEAST_BLOCKS = 4;
const LEAST_TOKENS = 64;

/**
 * Recognises an answer that has begun to repeat itself without end, as greedy decoding does when it falls into a loop.
 *
 * The rule: the answer ends with the same block of 1 to 128 tokens, token for token, at least four times in a row, and these
 * are at least 64 tokens. So "ha" may come 63 times, a word and a comma 31 times, and a sentence of 20 tokens three times.
 * What differs in a single token each time (a numbered list, the rows of a table, a count) is no repetition, however long it
 * is. A block is counted from wherever the run begins, which may be in the midst of a sentence.
 *
 * What was said twice in a row is part of the answer; whatever follows is `pending` until it is known whether it goes on
 * like this.
 */
export class Repetition {
  /** the last tokens, the one at `n` in place `n % LONGEST_BLOCK` */
  readonly #recent = new Int32Array(LONGEST_BLOCK);
  /** for each length of a block: how many tokens in a row were the same as those one block before */
  readonly #equal = new Int32Array(LONGEST_BLOCK + 1);
  #length = 0;
  #pending = 0;
  #endless = false;

  /** How many of the last tokens are a third copy of what was there twice, or a later one. */
  get pending(): number {
    return this.#pending;
  }

  /** Whether the rule holds: the answer ends before what is pending. */
  get endless(): boolean {
    return this.#endless;
  }

  push(token: number): void {
    const length = this.#length++;
    this.#pending = 0;
    for (let block = 1; block <= Math.min(LONGEST_BLOCK, length); block++) {
      const same = this.#recent[(length - block) % LONGEST_BLOCK] === token;
      const equal = same ? (this.#equal[block] ?? 0) + 1 : 0;
      this.#equal[block] = equal;
      this.#pending = Math.max(this.#pending, equal - block);
      if (equal + block >= Math.max(LEAST_TOKENS, LEAST_BLOCKS * block)) this.#endless = true;
    }
    this.#recent[length % LONGEST_BLOCK] = token;
  }
}
