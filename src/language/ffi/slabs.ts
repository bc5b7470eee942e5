import { FlashSlothError } from "../../core/errors.ts";
import { elementCount } from "../../core/model/shape.ts";
import { GGML_TYPE, type StoredType } from "./abi.ts";
import type { NamedTensor, Retyped } from "./gguf.ts";

/** Rows of one tensor that are worked on together. */
export interface Slab {
  /** of the tensor */
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  /** Where they stand in the one file, and where in the other. */
  readonly from: Place;
  readonly to: Place;
}

export interface Place {
  readonly type: StoredType;
  /** first byte in the file */
  readonly offset: number;
  readonly byteLength: number;
}

/** What a slab takes in memory while float16 becomes something else: it, its values as float32, and what comes out. */
export function slabBytes({
  rows,
  columns,
  from,
  to,
}: Pick<Slab, "rows" | "columns" | "from" | "to">): number {
  return from.byteLength + 4 * rows * columns + to.byteLength;
}

/**
 * All tensors of a file in slabs, in the file's order.
 * @param most bytes that a slab may take in memory, unless a single row takes more
 * @throws `internal` for anything but float16 that is to become something else
 */
export function* slabsOf(
  { before, after }: Pick<Retyped, "before" | "after">,
  most: number,
): Generator<Slab> {
  for (const [index, tensor] of before.entries()) {
    const columns = tensor.shape.at(-1) ?? 1;
    const count = elementCount(tensor.shape) / columns;
    const from = placeOf(tensor);
    const to = placeOf(after[index] ?? tensor);
    if (from.type !== to.type && from.type !== "F16") throw misfit(tensor.name, `${from.type} as ${to.type}`);
    const part = ({ type, offset, byteLength }: Place, row: number, rows: number): Place => {
      const bytes = byteLength / count;
      return { type, offset: offset + row * bytes, byteLength: rows * bytes };
    };
    const rowBytes = slabBytes({ rows: 1, columns, from: part(from, 0, 1), to: part(to, 0, 1) });
    const limit = Math.max(1, Math.floor(most / rowBytes));
    for (let row = 0; row < count; row += limit) {
      const rows = Math.min(limit, count - row);
      yield { name: tensor.name, rows, columns, from: part(from, row, rows), to: part(to, row, rows) };
    }
  }
}

function placeOf({ name, type, offset, byteLength }: NamedTensor): Place {
  const known = (Object.keys(GGML_TYPE) as StoredType[]).find((each) => each === type);
  if (known === undefined) throw misfit(name, type);
  return { type: known, offset, byteLength };
}

function misfit(name: string, what: string): FlashSlothError {
  return new FlashSlothError("internal", `${name} cannot be quantised: ${what}`);
}
