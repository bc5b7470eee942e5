/** Seeded 32-bit numbers (mulberry32): the same on every run. */
export function randomIntegers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** The same as numbers in [0, 1). */
export function random(seed: number): () => number {
  const next = randomIntegers(seed);
  return () => next() / 2 ** 32;
}
