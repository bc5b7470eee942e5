import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { BYTES_PER_ELEMENT, toFloat32 } from "../core/dtype.ts";
import { asFlashSlothError, FlashSlothError } from "../core/errors.ts";

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
    const { path, offset, width } = this.#options;
    if (this.#file === undefined) throw new FlashSlothError("internal", "the token embeddings are closed");
    const rowBytes = width * BYTES_PER_ELEMENT.F16;
    const bytes = new Uint8Array(tokens.length * rowBytes);
    for (const [index, token] of tokens.entries()) {
      const read = readSync(this.#file, bytes, index * rowBytes, rowBytes, offset + token * rowBytes);
      if (read !== rowBytes) throw damaged(`${path} became shorter while it was used`);
    }
    return toFloat32(bytes, "F16");
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

function damaged(message: string): FlashSlothError {
  return new FlashSlothError("model-invalid", message, { hint: "convert or pull the model again" });
}
