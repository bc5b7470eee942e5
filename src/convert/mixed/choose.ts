/** A matrix of the encoder as int8. */
export interface MatrixCost {
  readonly name: string;
  /** its own share of the error: the square of |x - exact x| / |exact x| where its block ends */
  readonly error: number;
  /** multiplications for each patch, which is what int8 saves time on */
  readonly work: number;
}

/**
 * Which matrices become int8: as much of the work as possible while the squares of the errors, which are independent of each other,
 * add up to no more than the square of `bound`. The greedy order of the knapsack problem: the least error for the work first.
 */
export function chooseInt8(matrices: readonly MatrixCost[], bound: number): ReadonlySet<string> {
  const order = [...matrices].sort((a, b) => a.error / a.work - b.error / b.work);
  const chosen = new Set<string>();
  let sum = 0;
  for (const { name, error } of order) {
    if (sum + error > bound ** 2) continue;
    sum += error;
    chosen.add(name);
  }
  return chosen;
}

/** What the chosen matrices' errors come to where the encoder ends, if each passes through the later blocks as it is. */
export function expectedError(matrices: readonly MatrixCost[], chosen: ReadonlySet<string>): number {
  return Math.sqrt(matrices.reduce((sum, { name, error }) => sum + (chosen.has(name) ? error : 0), 0));
}
