import { VALUE_TYPES, type GgufValue, type ScalarValue } from "./types.ts";

const utf8 = new TextEncoder();

/** Little-endian bytes of a GGUF header, in memory that grows. */
export class HeaderEncoder {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  uint32(value: number): void {
    this.#view.setUint32(this.#reserve(4), value, true);
  }

  uint64(value: number): void {
    this.#view.setBigUint64(this.#reserve(8), BigInt(value), true);
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
        this.#view.setUint8(this.#reserve(1), scalar.value);
        break;
      case "int8":
        this.#view.setInt8(this.#reserve(1), scalar.value);
        break;
      case "uint16":
        this.#view.setUint16(this.#reserve(2), scalar.value, true);
        break;
      case "int16":
        this.#view.setInt16(this.#reserve(2), scalar.value, true);
        break;
      case "uint32":
        this.uint32(scalar.value);
        break;
      case "int32":
        this.#view.setInt32(this.#reserve(4), scalar.value, true);
        break;
      case "float32":
        this.#view.setFloat32(this.#reserve(4), scalar.value, true);
        break;
      case "float64":
        this.#view.setFloat64(this.#reserve(8), scalar.value, true);
        break;
      case "uint64":
        this.#view.setBigUint64(this.#reserve(8), scalar.value, true);
        break;
      case "int64":
        this.#view.setBigInt64(this.#reserve(8), scalar.value, true);
        break;
      case "bool":
        this.#view.setUint8(this.#reserve(1), scalar.value ? 1 : 0);
        break;
      case "string":
        this.string(scalar.value);
        break;
    }
  }

  /** Makes room for `count` zero bytes and returns where they begin. */
  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.byteLength) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.byteLength * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}
