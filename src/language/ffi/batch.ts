import koffi from "koffi";
import { FlashSlothError } from "../../core/errors.ts";
import type { Pointer, StructValue } from "./functions.ts";

/** Rows that go on at the end of one sequence. */
export interface Run {
  readonly sequence: number;
  /** float32 [n, hidden], n >= 1 */
  readonly rows: Float32Array;
  /** whose logits are wanted */
  readonly logits: "none" | "last" | "all";
}

/**
 * The arrays of a `llama_batch` of embedding rows, allocated once. One row belongs to one sequence; `seq_id` is an array of
 * pointers, each into one array of ids.
 */
export class NativeBatch {
  readonly #capacity: number;
  readonly #width: number;
  readonly #idsPointer: Pointer;
  readonly #ids: Int32Array;
  readonly #pointers: BigUint64Array;
  readonly #ones: Int32Array;
  readonly #positions: Int32Array;
  readonly #wanted: Int8Array;

  /** @param width of a row, the model's hidden size */
  constructor(capacity: number, width: number) {
    this.#capacity = capacity;
    this.#width = width;
    this.#idsPointer = koffi.alloc("int32_t", capacity) as Pointer;
    this.#ids = new Int32Array(koffi.view(this.#idsPointer, capacity * 4));
    this.#pointers = BigUint64Array.from(
      { length: capacity },
      (_, index) => this.#idsPointer + BigInt(index * 4),
    );
    this.#ones = new Int32Array(capacity).fill(1);
    this.#positions = new Int32Array(capacity);
    this.#wanted = new Int8Array(capacity);
  }

  /**
   * The runs one after the other.
   * @param lengths positions that each run's sequence has already
   * @throws `internal` for what llama.cpp would end the process over
   */
  fill(runs: readonly Run[], lengths: readonly number[]): StructValue {
    const seen = new Set<number>();
    let count = 0;
    for (const [index, { sequence, rows, logits }] of runs.entries()) {
      const length = rows.length / this.#width;
      if (!Number.isInteger(length) || length === 0 || seen.has(sequence)) {
        throw new FlashSlothError("internal", `a run of ${length} rows for sequence ${sequence}`);
      }
      if (count + length > this.#capacity) {
        throw new FlashSlothError("internal", `more than ${this.#capacity} rows in one batch`);
      }
      seen.add(sequence);
      const start = lengths[index] ?? 0;
      for (let row = 0; row < length; row++) this.#positions[count + row] = start + row;
      this.#ids.fill(sequence, count, count + length);
      this.#wanted.fill(logits === "all" ? 1 : 0, count, count + length);
      if (logits === "last") this.#wanted[count + length - 1] = 1;
      count += length;
    }
    return {
      n_tokens: count,
      token: null,
      embd: joinRows(runs),
      pos: this.#positions,
      n_seq_id: this.#ones,
      seq_id: this.#pointers,
      logits: this.#wanted,
    };
  }

  dispose(): void {
    koffi.free(this.#idsPointer);
  }
}

function joinRows(runs: readonly Run[]): Float32Array {
  const [first, ...others] = runs;
  if (first !== undefined && others.length === 0) return first.rows;
  const joined = new Float32Array(runs.reduce((sum, { rows }) => sum + rows.length, 0));
  let at = 0;
  for (const { rows } of runs) {
    joined.set(rows, at);
    at += rows.length;
  }
  return joined;
}
