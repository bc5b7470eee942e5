import type { StoredTensor } from "./file.ts";

/** What a header says of a tensor: its bytes follow those of the one before. */
export type DescribedTensor = Pick<StoredTensor, "name" | "dtype" | "shape" | "byteLength">;

/** The beginning of a safetensors file that holds these tensors in this order: 8 bytes of length, then JSON padded to 8 bytes. */
export function safetensorsHeader(tensors: readonly DescribedTensor[]): Uint8Array {
  let offset = 0;
  const entries = tensors.map(({ name, dtype, shape, byteLength }) => {
    const begin = offset;
    offset += byteLength;
    return [name, { dtype, shape, data_offsets: [begin, offset] }] as const;
  });
  // not an object literal: a name such as `__proto__` is a key like any other
  const json = Buffer.from(
    JSON.stringify(Object.fromEntries([["__metadata__", { format: "pt" }], ...entries])),
  );
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const header = Buffer.alloc(8 + padded, " ");
  header.writeBigUInt64LE(BigInt(padded), 0);
  json.copy(header, 8);
  return header;
}
