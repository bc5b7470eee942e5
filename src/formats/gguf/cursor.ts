import { FlashSlothError } from "../../core/errors.ts";

/** The header goes on behind the bytes at hand. Not an error: the reader fetches more and starts again. */
export class NeedsMoreBytes extends Error {}

/** Reads little-endian fields of a hostile header from the front part of a file. */
export class HeaderCursor {
  readonly #name: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fileSize: number;
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #position = 0;

  /**
   * @param name of the file, for messages
   * @param bytes the front part of the file, or all of it
   * @param fileSize of the whole file
   */
  constructor(name: string, bytes: Uint8Array, fileSize: number) {
    this.#name = name;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#fileSize = fileSize;
  }

  get position(): number {
    return this.#position;
  }

  /** @throws `model-invalid` with the file's name in front */
  refuse(message: string, cause?: unknown): never {
    throw new FlashSlothError("model-invalid", `${this.#name}: ${message}`, {
      cause,
      hint: "remove the model's folder and convert or pull it again",
    });
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A uint64 that must be a length, a count or an offset inside 2^53. */
  count(what: string, limit: number): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    if (value > BigInt(limit)) this.refuse(`${what} is ${value}, more than ${limit}`);
    return Number(value);
  }

  /** UTF-8 with its length in front. */
  string(what: string, limitBytes: number): string {
    const length = this.count(`the length of ${what}`, limitBytes);
    const at = this.#take(length);
    try {
      return this.#utf8.decode(this.#bytes.subarray(at, at + length));
    } catch (error) {
      return this.refuse(`${what} is not UTF-8`, error);
    }
  }

  /** `byteLength` bytes as a view for fields of another type. */
  field(byteLength: number): DataView {
    const at = this.#take(byteLength);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, byteLength);
  }

  /** Refuses a list that cannot fit into the rest of the file, before memory is taken for it. */
  expectRoom(what: string, items: number, bytesEach: number): void {
    if (items * bytesEach > this.#fileSize - this.#position) {
      this.refuse(`${what} would reach beyond the end of the file`);
    }
  }

  #take(count: number): number {
    const at = this.#position;
    if (at + count > this.#fileSize) this.refuse("the file ends inside its header");
    if (at + count > this.#bytes.byteLength) throw new NeedsMoreBytes();
    this.#position = at + count;
    return at;
  }
}
