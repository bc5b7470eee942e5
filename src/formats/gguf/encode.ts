import { VALUE_TYPES, type GgufValue, type ScalarValue } from "./types.ts";

const utf8 = new TextEncoder();

/** Little-endian bytes of a GGUF header, in memory that grows. */
export class HeaderEncoder {
  #bytes = new Uint8Array(4096);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  uint32(value: number): void {
    this.#field(4).setUint32(0, value, true);
  }

  uint64(value: number): void {
    this.#field(8).setBigUint64(0, BigInt(value), true);
  }

  string(value: string): void {
    const bytes = utf8.encode(value);
    this.uint64(bytes.byteLength);
    const at = this.#reserve(bytes.byteLength);
    this.#bytes.set(bytes, at);
  }

  /** A metadata value with its type number in front. */
  typedValue(value: GgufValue): void {
    this.uint32(VALUE_TYPES[value.type]);
    if (value.type !== "array") {
      this.#scalar(value);
      return;
    }
    this.uint32(VALUE_TYPES[value.of]);
    this.uint64(value.values.length);
    for (const item of value.values) this.#scalar({ type: value.of, value: item } as ScalarValue);
  }

  /** Zeros up to `position`. */
  padTo(position: number): void {
    this.#reserve(position - this.#length);
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #scalar(scalar: ScalarValue): void {
    switch (scalar.type) {
      case "uint8":
        this.#field(1).setUint8(0, scalar.value);
        break;
      case "int8":
        this.#field(1).setInt8(0, scalar.value);
        break;
      case "uint16":
        this.#field(2).setUint16(0, scalar.value, true);
        break;
      case "int16":
        this.#field(2).setInt16(0, scalar.value, true);
        break;
      case "uint32":
        this.uint32(scalar.value);
        break;
      case "int32":
        this.#field(4).setInt32(0, scalar.value, true);
        break;
      case "float32":
        this.#field(4).setFloat32(0, scalar.value, true);
        break;
      case "float64":
        this.#field(8).setFloat64(0, scalar.value, true);
        break;
      case "uint64":
        this.#field(8).setBigUint64(0, scalar.value, true);
        break;
      case "int64":
        this.#field(8).setBigInt64(0, scalar.value, true);
        break;
      case "bool":
        this.#field(1).setUint8(0, scalar.value ? 1 : 0);
        break;
      case "string":
        this.string(scalar.value);
        break;
    }
  }

  #field(byteLength: number): DataView {
    const at = this.#reserve(byteLength);
    return new DataView(this.#bytes.buffer, at, byteLength);
  }

  /** Makes room for `count` zero bytes and returns where they begin. */
  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.byteLength) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.byteLength * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
    }
    return at;
  }
}
