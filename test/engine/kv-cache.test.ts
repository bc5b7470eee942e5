import { describe, expect, it } from "vitest";
import { CellCount } from "../../src/engine/cells.ts";
import { KvCache, type SequenceStore } from "../../src/engine/kv-cache.ts";
import { pictureKey } from "../../src/engine/prompt.ts";

/** Numbers below `bound` that depend on the seed alone. */
function generator(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** llama.cpp's books, kept plainly: which sequences hold each cell, and its position. */
class PlainStore implements SequenceStore {
  readonly sequences = 6;
  readonly cells: number;
  readonly #cells: { readonly position: number; readonly holders: Set<number> }[] = [];

  constructor(cells: number) {
    this.cells = cells;
  }

  get used(): number {
    return this.#cells.filter(({ holders }) => holders.size > 0).length;
  }

  length(sequence: number): number {
    return this.#cells.filter(({ holders }) => holders.has(sequence)).length;
  }

  truncate(sequence: number, length: number): void {
    for (const { position, holders } of this.#cells) if (position >= length) holders.delete(sequence);
  }

  share(from: number, to: number, length: number): void {
    for (const { position, holders } of this.#cells) {
      if (holders.has(from) && position < length) holders.add(to);
    }
  }

  decode({ runs }: Parameters<SequenceStore["decode"]>[0]): boolean {
    const rows = runs.reduce((sum, run) => sum + run.rows.length, 0);
    if (this.used + rows > this.cells) return false;
    for (const { sequence, rows: added } of runs) {
      let position = this.length(sequence);
      for (let row = 0; row < added.length; row++) {
        this.#cells.push({ position: position++, holders: new Set([sequence]) });
      }
    }
    return true;
  }

  save(): Uint8Array {
    return new Uint8Array([1]);
  }

  restore(sequence: number, state: Uint8Array): boolean {
    this.truncate(sequence, 0);
    return this.decode({ runs: [{ sequence, rows: new Float32Array(state.length), logits: "none" }] });
  }
}

/** Positions with these keys. */
function keys(...values: number[]): Int32Array {
  return Int32Array.from(values);
}

function extend(cache: KvCache, sequence: number, added: Int32Array): boolean {
  return cache.decode({ runs: [{ sequence, rows: new Float32Array(added.length), logits: "none" }] }, [
    added,
  ]);
}

describe("CellCount", () => {
  it("counts as llama.cpp does, whatever is shared and forgotten", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const next = generator(seed);
      const [count, plain] = [new CellCount(), new PlainStore(1e9)];
      for (let step = 0; step < 200; step++) {
        const [from, to] = [next(6), next(6)];
        const length = plain.length(from);
        switch (next(3)) {
          case 0: {
            const added = next(9);
            count.extend(from, added);
            plain.decode({ runs: [{ sequence: from, rows: new Float32Array(added), logits: "none" }] });
            break;
          }
          case 1: {
            if (from === to || plain.length(to) > 0) break;
            const shared = next(length + 1);
            count.share(from, to, shared);
            plain.share(from, to, shared);
            break;
          }
          default: {
            const kept = next(length + 1);
            count.truncate(from, kept);
            plain.truncate(from, kept);
          }
        }
        expect(count.used).toBe(plain.used);
      }
    }
  });
});

describe("KvCache", () => {
  it("finds the longest beginning, and shares it at no cost", () => {
    const cache = new KvCache(new PlainStore(100));
    const [a = -1, b = -1, c = -1] = [cache.open(), cache.open(), cache.open()];
    extend(cache, a, keys(1, 2, 3));
    extend(cache, b, keys(1, 2, 4, 5));
    expect(cache.longest(keys(1, 2, 4, 9))).toEqual({ sequence: b, length: 3 });
    expect(cache.longest(keys(7))).toBeUndefined();
    cache.share({ sequence: b, length: 3 }, c);
    expect([cache.length(c), cache.free]).toEqual([3, 93]);
    extend(cache, c, keys(8));
    expect(cache.longest(keys(1, 2, 4, 8, 8))).toEqual({ sequence: c, length: 4 });
  });

  it("lets go of idle sequences, the longest unused first, never of pinned ones or those at work", () => {
    const cache = new KvCache(new PlainStore(100));
    const pinned = cache.open({ pinned: true }) ?? -1;
    extend(cache, pinned, keys(1, 2));
    cache.rest(pinned);
    const numbers = [3, 4, 5].map((key) => {
      const sequence = cache.open() ?? -1;
      extend(cache, sequence, keys(1, 2, key));
      return sequence;
    });
    const [first = -1, second = -1, busy = -1] = numbers;
    cache.keep(first, 3);
    cache.keep(second, 3);
    const user = cache.open() ?? -1;
    cache.share({ sequence: first, length: 3 }, user); // used again, so `second` is older now
    expect(cache.evict()).toBe(true);
    expect([cache.length(first), cache.length(second), cache.length(busy)]).toEqual([3, 0, 3]);
    expect(cache.evict(first)).toBe(false);
    expect(cache.evict()).toBe(true);
    expect(cache.evict()).toBe(false);
    expect([cache.length(pinned), cache.length(busy), cache.length(user)]).toEqual([2, 3, 3]);
  });

  it("keeps no more idle sequences than it may, beside what was brought for somebody", () => {
    const cache = new KvCache(new PlainStore(100), { mostIdle: 2 });
    const brought = cache.open() ?? -1;
    extend(cache, brought, keys(1, 9));
    cache.rest(brought);
    const work = (last: number): void => {
      const sequence = cache.open() ?? -1;
      extend(cache, sequence, keys(1, 2, last));
      cache.keep(sequence, 3);
    };
    const held = (...lasts: number[]): number[] =>
      lasts.filter((last) => cache.longest(keys(1, 2, last))?.length === 3);
    for (const last of [3, 4, 5]) work(last);
    expect([held(3, 4, 5), cache.length(brought)]).toEqual([[4, 5], 2]);

    const user = cache.open() ?? -1;
    cache.share({ sequence: brought, length: 2 }, user); // from now on it is one of those that are kept
    cache.close(user);
    work(6);
    expect([held(3, 4, 5, 6), cache.length(brought)]).toEqual([[6], 2]); // it was used after 4 and 5
  });

  it("makes room as far as it can, and says when it cannot", () => {
    const cache = new KvCache(new PlainStore(10));
    const idle = cache.open() ?? -1;
    extend(cache, idle, keys(1, 2, 3, 4));
    cache.rest(idle);
    const busy = cache.open() ?? -1;
    expect(extend(cache, busy, keys(5, 6, 7, 8, 9, 10, 11))).toBe(false); // and nothing has changed
    expect([cache.free, cache.length(busy)]).toEqual([6, 0]);
    expect(cache.makeRoom(6)).toBe(true);
    expect(cache.length(idle)).toBe(4);
    expect(cache.makeRoom(7, idle)).toBe(false);
    expect(cache.makeRoom(7)).toBe(true);
    expect(cache.makeRoom(11)).toBe(false);
  });

  it("has numbers for as many sequences as there are, if need be those of idle ones", () => {
    const cache = new KvCache(new PlainStore(100));
    const numbers = Array.from({ length: 6 }, () => cache.open());
    expect(new Set(numbers).size).toBe(6);
    expect(cache.open()).toBeUndefined();
    cache.rest(3);
    expect(cache.open()).toBe(3);
    cache.close(5);
    expect(cache.open()).toBe(5);
  });

  it("keeps one of several that hold the same, and forgets a picture's", () => {
    const cache = new KvCache(new PlainStore(100));
    const picture = pictureKey(7);
    const [a = -1, b = -1, other = -1] = [cache.open(), cache.open(), cache.open()];
    extend(cache, a, keys(1, picture, 2, 3));
    extend(cache, b, keys(1, picture, 4));
    extend(cache, other, keys(1, pictureKey(8), 4));
    cache.keep(a, 2);
    cache.keep(b, 2);
    cache.keep(other, 2);
    expect([a, b, other].map((sequence) => cache.length(sequence)).sort((x, y) => x - y)).toEqual([0, 2, 2]);
    expect(cache.longest(keys(1, picture))?.length).toBe(2);
    cache.forget(7);
    expect(cache.longest(keys(1, picture))?.length).toBe(1);
    expect(cache.longest(keys(1, pictureKey(8)))).toEqual({ sequence: other, length: 2 });
  });

  it("spends no number on what another one begins with", () => {
    const cache = new KvCache(new PlainStore(100));
    const [short = -1, long = -1] = [cache.open(), cache.open()];
    extend(cache, short, keys(1, 2));
    cache.keep(short, 2);
    cache.share({ sequence: short, length: 2 }, long);
    extend(cache, long, keys(3, 4));
    cache.keep(long, 4);
    expect([cache.length(short), cache.length(long), cache.free]).toEqual([0, 4, 96]);
  });

  it("takes a saved state only for as many positions as it has", () => {
    const cache = new KvCache(new PlainStore(100));
    const sequence = cache.open() ?? -1;
    expect(cache.restore(sequence, new Uint8Array(3), keys(1, 2))).toBe(false);
    expect([cache.length(sequence), cache.free]).toEqual([0, 100]);
    expect(cache.restore(sequence, new Uint8Array(2), keys(1, 2))).toBe(true);
    expect([cache.length(sequence), cache.free]).toEqual([2, 98]);
  });
});
