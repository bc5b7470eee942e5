import type { ByteSource } from "../../core/files/bytes.ts";
import { asFlashSlothError } from "../../core/errors.ts";
import type { Shape } from "../../core/model/shape.ts";
import type { SafetensorsDtype } from "./dtypes.ts";
import { invalid, readHeader, type SafetensorsHeader } from "./header.ts";
import { MAX_TENSOR_BYTES, showName } from "./limits.ts";

/** A tensor as it lies in a file. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: Shape;
  readonly byteLength: number;
  /** of its first byte in the file */
  readonly offset: number;
  /** the file that holds it */
  readonly file: string;
}

/** One safetensors file: its header in memory, its tensors read when asked for. */
export class SafetensorsFile {
  readonly name: string;
  /** bytes of the whole file */
  readonly size: number;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly #source: ByteSource;
  readonly #header: SafetensorsHeader;

  private constructor(source: ByteSource, header: SafetensorsHeader) {
    this.name = source.name;
    this.size = source.size;
    this.metadata = header.metadata;
    this.#source = source;
    this.#header = header;
    const tensors = new Map<string, StoredTensor>();
    for (const [name, { dtype, shape, begin, end }] of header.entries) {
      const offset = header.dataOffset + begin;
      tensors.set(name, { name, dtype, shape, byteLength: end - begin, offset, file: source.name });
    }
    this.tensors = tensors;
  }

  /**
   * Takes over `source`: it is closed with the file, and at once when the header is refused.
   * @throws `checkpoint-invalid` with the file, the tensor and the reason
   */
  static async open(source: ByteSource): Promise<SafetensorsFile> {
    try {
      return new SafetensorsFile(source, await readHeader(source));
    } catch (error) {
      await source.close();
      throw asFlashSlothError(error, "checkpoint-invalid", `${source.name} cannot be read`);
    }
  }

  /**
   * The raw little-endian bytes of a tensor.
   * @throws `checkpoint-invalid` when there is no such tensor or its bytes cannot be read
   */
  async read(name: string): Promise<Uint8Array> {
    const entry = this.#header.entries.get(name);
    if (entry === undefined) throw invalid(this.name, `holds no tensor ${showName(name)}`);
    const length = entry.end - entry.begin;
    if (length > MAX_TENSOR_BYTES) {
      throw invalid(this.name, `tensor ${showName(name)} has ${length} bytes, too many to read in one piece`);
    }
    try {
      return await this.#source.read(this.#header.dataOffset + entry.begin, length);
    } catch (error) {
      throw asFlashSlothError(
        error,
        "checkpoint-invalid",
        `${this.name}: tensor ${showName(name)} cannot be read`,
      );
    }
  }

  async close(): Promise<void> {
    await this.#source.close();
  }
}
