/** A block and its transpose, 64 x 64 x 4 bytes each, stay in the first-level cache together. */
const BLOCK = 64;

/**
 * [rows, columns] row-major to [columns, rows] row-major, block by block.
 * @throws RangeError when `values` is not of that size
 */
export function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  if (values.length !== rows * columns) {
    throw new RangeError(`${values.length} values are not [${rows}, ${columns}]`);
  }
  const out = new Float32Array(values.length);
  for (let top = 0; top < rows; top += BLOCK) {
    const bottom = Math.min(top + BLOCK, rows);
    for (let left = 0; left < columns; left += BLOCK) {
      const right = Math.min(left + BLOCK, columns);
      for (let column = left; column < right; column++) {
        const shift = column * rows;
        for (let row = top, from = top * columns + column; row < bottom; row++, from += columns) {
          out[shift + row] = values[from] ?? 0;
        }
      }
    }
  }
  return out;
}
