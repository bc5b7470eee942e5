import { describe, expect, it } from "vitest";
import { Repetition } from "../../src/engine/repetition.ts";
import { random } from "../random.ts";

interface Told {
  /** tokens after which it was recognised */
  readonly at: number | undefined;
  readonly pending: number;
}

function follow(tokens: Iterable<number>): Told {
  const repetition = new Repetition();
  let at = 0;
  for (const token of tokens) {
    repetition.push(token);
    at++;
    if (repetition.endless) return { at, pending: repetition.pending };
  }
  return { at: undefined, pending: repetition.pending };
}

function times(block: readonly number[], count: number): number[] {
  return Array.from({ length: count }, () => block).flat();
}

/** A block of so many different tokens. */
function blockOf(length: number, first = 1000): number[] {
  return Array.from({ length }, (_, index) => first + index);
}

/** The rule as its docstring says it, looked for in the plainest way. */
function plainly(tokens: readonly number[]): boolean {
  for (let block = 1; block <= 128; block++) {
    const run = Math.max(4 * block, 64);
    if (tokens.length < run) continue;
    const end = tokens.slice(-run);
    if (end.every((token, index) => index < block || token === end[index - block])) return true;
  }
  return false;
}

describe("a repetition without end", () => {
  it.each([1, 2, 3, 5, 15, 16, 17, 20, 63, 64, 100, 128])(
    "of blocks of %i tokens is recognised at once",
    (length) => {
      const before = [1, 2, 3, 4, 5];
      const run = Math.max(64, 4 * length);
      const tokens = [...before, ...times(blockOf(length), Math.ceil(run / length) + 1)];
      expect(follow(tokens)).toEqual({ at: before.length + run, pending: run - 2 * length });
    },
  );

  it.each([
    ["63 times the same token", times([7], 63)],
    ["a word and a comma, 31 times", times([7, 8], 31)],
    ["a sentence of 20 tokens, three times and almost a fourth", times(blockOf(20), 4).slice(0, -1)],
    ["a sentence of 128 tokens, three times", times(blockOf(128), 3)],
    ["a block of 129 tokens, five times", times(blockOf(129), 5)],
    [
      "a numbered list of one word",
      Array.from({ length: 200 }, (_, index) => [500 + index, 13, 8, 198]).flat(),
    ],
    [
      "a table whose rows differ in one cell",
      Array.from({ length: 99 }, (_, row) => [...blockOf(9), row % 5, row]).flat(),
    ],
    [
      "two words in turn, each twice as often as before",
      [1, 2, 4, 8, 16, 32, 48].flatMap((n) => times([n], Math.min(n, 63))),
    ],
  ])("is not %s", (_, tokens) => {
    expect(follow(tokens).at).toBeUndefined();
  });

  it("is found exactly where the rule says, in 200 made-up answers", () => {
    const unit = random(11);
    let found = 0;
    for (let answer = 0; answer < 200; answer++) {
      const tokens: number[] = [];
      while (tokens.length < 200) {
        const length = 1 + Math.floor(unit() * 30);
        const block = Array.from({ length }, () => Math.floor(unit() * 3));
        tokens.push(...times(block, 1 + Math.floor(unit() * 5)));
      }
      const expected = tokens.findIndex((__, index) => plainly(tokens.slice(0, index + 1)));
      expect(follow(tokens).at).toBe(expected === -1 ? undefined : expected + 1);
      if (expected !== -1) found++;
    }
    expect(found).toBeGreaterThan(20);
    expect(found).toBeLessThan(180);
  });

  it("holds back what comes a third time, until something else comes", () => {
    const repetition = new Repetition();
    const pending = [1, 2, 3, 1, 2, 3, 1, 2, 3, 4].map((token) => {
      repetition.push(token);
      return repetition.pending;
    });
    expect(pending).toEqual([0, 0, 0, 0, 0, 0, 1, 2, 3, 0]);
  });
});
