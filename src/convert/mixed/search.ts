import { chooseInt8, expectedError, type MatrixCost } from "./choose.ts";

/** Choices that are written and measured: the first, one that corrects it, and two that go up again where that went too far down. */
const MOST_MEASURED = 4;
/** Bounds that are tried; one that gives a choice that was measured already costs nothing. */
const MOST_BOUNDS = 16;
/** Of what a correction would allow. */
const CLOSE = 0.97;
/** Of the target: more than this leaves nothing to gain. */
const NEAR = 0.85;

interface Measured {
  readonly chosen: ReadonlySet<string>;
  readonly error: number;
}

export interface SearchOptions {
  readonly matrices: readonly MatrixCost[];
  /** the largest error that is accepted */
  readonly target: number;
  /** What a choice that is not empty really makes. */
  readonly errorOf: (chosen: ReadonlySet<string>) => Promise<number>;
}

/**
 * The matrices that become int8: as much work as is found to stay within the target. The estimate that `chooseInt8` rests on is
 * corrected by what its choices make; between one that is within and one that is beyond, the geometric mean of their bounds is next.
 * @returns the largest choice that was within when it was measured; an empty one where none was
 */
export async function searchInt8({ matrices, target, errorOf }: SearchOptions): Promise<ReadonlySet<string>> {
  const nothing: Measured = { chosen: new Set(), error: 0 };
  const known = new Map([["", nothing]]);
  let within = { bound: 0, chosen: nothing.chosen };
  let beyond = Infinity;
  let bound = target;
  for (let tried = 0; tried < MOST_BOUNDS; tried++) {
    const choice = chooseInt8(matrices, bound);
    const key = [...choice].sort().join(" ");
    const measured = known.get(key) ?? { chosen: choice, error: undefined };
    if (measured.error === undefined && known.size > MOST_MEASURED) break;
    const { chosen, error = await errorOf(choice) } = measured;
    known.set(key, { chosen, error });
    if (error <= target) within = { bound, chosen };
    else beyond = bound;
    if (error <= target && (error >= NEAR * target || chosen.size === matrices.length)) break;
    const corrected = (CLOSE * expectedError(matrices, chosen) * target) / error;
    if (corrected > within.bound && corrected < beyond) bound = corrected;
    else if (within.bound > 0 && beyond < Infinity) bound = Math.sqrt(within.bound * beyond);
    else break;
  }
  return within.chosen;
}
