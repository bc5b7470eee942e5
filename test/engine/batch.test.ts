import { describe, expect, it } from "vitest";
import { planBatch, rowsAhead } from "../../src/engine/batch.ts";
import type { Budget } from "../../src/engine/continuation.ts";
import type { KvCache } from "../../src/engine/kv-cache.ts";
import type { Sequence } from "../../src/engine/sequence.ts";

const TILE = { rows: 32, spare: 16 };

/** A prompt with so many rows left, of which `together` have to be in one graph. */
function prompt(left: number, together: number): Sequence {
  const plan = (_: KvCache, { rows }: Budget): { keys: number[] }[] => {
    const fitting = Math.min(left, rows);
    const taken = fitting < left ? Math.min(fitting, left - together) : left;
    return taken === 0 ? [] : [{ keys: Array.from({ length: taken }, () => 0) }];
  };
  return { suspected: false, left: () => left, plan } as unknown as Sequence;
}

describe("rows that go ahead of full tiles", () => {
  it.each([
    { lefts: [101], ahead: 5, what: "a prompt's few over three tiles" },
    { lefts: [60, 41], ahead: 5, what: "those of two prompts together" },
    { lefts: [112], ahead: 16, what: "as many as cost little" },
    { lefts: [113], ahead: undefined, what: "more than that" },
    { lefts: [96], ahead: undefined, what: "none over" },
    { lefts: [20], ahead: undefined, what: "less than a tile" },
    { lefts: [1, 101], ahead: undefined, what: "a prompt beside an answer that goes on" },
    { lefts: [600], ahead: undefined, what: "a prompt of which a whole batch is computed" },
  ])("$what: $ahead of $lefts", ({ lefts, ahead }) => {
    expect(rowsAhead(lefts, { rows: 512, outputs: 1, tile: TILE })).toBe(ahead);
  });

  it("are none where a device has no tiles", () => {
    expect(rowsAhead([101], { rows: 512, outputs: 1 })).toBeUndefined();
  });
});

describe("a batch of a device with tiles", () => {
  it.each([
    { together: 0, rows: 5, what: "is what fills none" },
    { together: 101, rows: 101, what: "is all, where that cannot be taken apart" },
  ])("$what", ({ together, rows }) => {
    const limits = { rows: 512, outputs: 1, tile: TILE };
    const planned = planBatch([prompt(101, together)], {} as unknown as KvCache, limits);
    expect(planned.map(({ run }) => run.keys.length)).toEqual([rows]);
  });
});
