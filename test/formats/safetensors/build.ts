/** Bytes of a safetensors file: any text as its header, any number of zero bytes as its data. */
export function fileBytes(header: string | Uint8Array, dataBytes: number): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.byteLength + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.byteLength), true);
  bytes.set(text, 8);
  return bytes;
}

export interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly number[];
}

export function entry(dtype: string, shape: readonly number[], begin: number, end: number): Entry {
  return { dtype, shape, data_offsets: [begin, end] };
}
