/** What repeated measurements of one thing come to. */
export interface Summary {
  readonly median: number;
  readonly p95: number;
  readonly samples: number;
}

/**
 * The q-quantile by linear interpolation between the two nearest ranks (Hyndman & Fan 1996, type 7: what NumPy and R
 * compute by default).
 * @param q in [0, 1]
 * @throws RangeError without values
 */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = (sorted.length - 1) * q;
  const low = sorted[Math.floor(rank)];
  const high = sorted[Math.ceil(rank)];
  if (low === undefined || high === undefined) throw new RangeError("there is no quantile of no values");
  return low + (high - low) * (rank - Math.floor(rank));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function summary(values: readonly number[]): Summary {
  return { median: median(values), p95: quantile(values, 0.95), samples: values.length };
}
