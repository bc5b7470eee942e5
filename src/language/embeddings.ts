import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { BYTES_PER_ELEMENT, toFloat32 } from "../core/model/dtype.ts";
import { asFlashSlothError, FlashSlothError } from "../core/errors.ts";

/** Rows that are kept in memory: questions are asked about many pictures, and answers are made of the same words. */
const KEPT_ROWS = 256;

export interface TokenEmbeddingsOptions {
  /** The GGUF file. */
  readonly path: string;
  /** Byte offset of the table: float16, [rows, width]. */
  readonly offset: number;
  readonly rows: number;
  readonly width: number;
}

/**
 * Rows of the token embedding table, read from the language file one by one: prompts mix them with visual tokens, and a
 * generated token goes back in as its row. The file's pages are cached: a row takes microseconds, no answer waits for it.
 */
export class TokenEmbeddings {
  readonly #options: TokenEmbeddingsOptions;
  /** float32 [width] each, by token */
  readonly #kept = new Map<number, Float32Array>();
  #file: number | undefined;

  /** @throws `model-invalid` when the file cannot be read, or the table does not lie inside it */
  constructor(options: TokenEmbeddingsOptions) {
    const { path, offset, rows, width } = options;
    this.#options = options;
    try {
      this.#file = openSync(path, "r");
    } catch (error) {
      throw asFlashSlothError(error, "model-invalid", path);
    }
    if (offset + rows * width * BYTES_PER_ELEMENT.F16 > fstatSync(this.#file).size) {
      this.close();
      throw damaged(`${path} ends before its token embeddings do`);
    }
  }

  /** float32 [tokens, width]. @throws `model-invalid` when the file became shorter meanwhile */
  rows(tokens: readonly number[]): Float32Array {
    const { width } = this.#options;
    const rows = new Float32Array(tokens.length * width);
    for (const [index, token] of tokens.entries()) rows.set(this.#row(token), index * width);
    return rows;
  }

  #row(token: number): Float32Array {
    if (this.#file === undefined) throw new FlashSlothError("internal", "the token embeddings are closed");
    const kept = this.#kept.get(token);
    if (kept !== undefined) return kept;
    const { path, offset, width } = this.#options;
    const bytes = new Uint8Array(width * BYTES_PER_ELEMENT.F16);
    const read = readSync(this.#file, bytes, 0, bytes.length, offset + token * bytes.length);
    if (read !== bytes.length) throw damaged(`${path} became shorter while it was used`);
    const row = toFloat32(bytes, "F16");
    if (this.#kept.size === KEPT_ROWS) this.#kept.clear();
    this.#kept.set(token, row);
    return row;
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

function damaged(message: string): FlashSlothError {
  return new FlashSlothError("model-invalid", message, { hint: "convert or pull the model again" });
}
