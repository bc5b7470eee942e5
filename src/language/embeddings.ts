import { BYTES_PER_ELEMENT, toFloat32 } from "../core/dtype.ts";
import { FileSource } from "../core/bytes.ts";
import { FlashSlothError } from "../core/errors.ts";

export interface TokenEmbeddingsOptions {
  /** The GGUF file. */
  readonly path: string;
  /** Byte offset of the table: float16, [rows, width]. */
  readonly offset: number;
  readonly rows: number;
  readonly width: number;
}

/** Rows of the token embedding table, read from the language file one by one: prompts mix them with visual tokens. */
export class TokenEmbeddings {
  readonly #source: FileSource;
  readonly #options: TokenEmbeddingsOptions;

  private constructor(source: FileSource, options: TokenEmbeddingsOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** @throws `model-invalid` when the table does not lie inside the file */
  static async open(options: TokenEmbeddingsOptions): Promise<TokenEmbeddings> {
    const source = await FileSource.open(options.path);
    const end = options.offset + options.rows * options.width * BYTES_PER_ELEMENT.F16;
    if (end > source.size) {
      await source.close();
      throw new FlashSlothError("model-invalid", `${options.path} ends before its token embeddings do`, {
        hint: "convert or pull the model again",
      });
    }
    return new TokenEmbeddings(source, options);
  }

  /** float32 [tokens, width] */
  async rows(tokens: readonly number[]): Promise<Float32Array> {
    const { offset, width } = this.#options;
    const rowBytes = width * BYTES_PER_ELEMENT.F16;
    const out = new Float32Array(tokens.length * width);
    const rows = await Promise.all(
      tokens.map((token) => this.#source.read(offset + token * rowBytes, rowBytes)),
    );
    for (const [index, bytes] of rows.entries()) out.set(toFloat32(bytes, "F16"), index * width);
    return out;
  }

  async close(): Promise<void> {
    await this.#source.close();
  }
}
