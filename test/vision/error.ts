/** |actual - expected| / |expected| in the L2 norm; infinite when the lengths differ. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += ((actual[i] ?? Number.NaN) - (expected[i] ?? Number.NaN)) ** 2;
    norm += (expected[i] ?? Number.NaN) ** 2;
  }
  return Math.sqrt(difference / norm);
}

/** The largest difference of two values. */
export function furthest(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.NaN;
  let most = 0;
  for (let at = 0; at < expected.length; at++) {
    most = Math.max(most, Math.abs((actual[at] ?? Number.NaN) - (expected[at] ?? Number.NaN)));
  }
  return most;
}
