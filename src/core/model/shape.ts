import { FlashSlothError } from "../errors.ts";

/** Sizes of a row-major array, outermost first. */
export type Shape = readonly number[];

/**
 * The number of elements of `shape` (1 for a scalar).
 * @throws `checkpoint-invalid` when a size is no non-negative integer or the product leaves 2^53
 */
export function elementCount(shape: Shape): number {
  let count = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new FlashSlothError("checkpoint-invalid", `not a shape: [${shape.join(", ")}]`);
    }
    count *= size;
    if (!Number.isSafeInteger(count)) {
      throw new FlashSlothError("checkpoint-invalid", `a shape too large to address: [${shape.join(", ")}]`);
    }
  }
  return count;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

export function showShape(shape: readonly (number | string)[]): string {
  return `[${shape.join(", ")}]`;
}
