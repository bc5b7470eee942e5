import type { StoredTensor } from "../formats/safetensors/file.ts";
import { partOf } from "./names.ts";

/** The tensors of one part of a FlashSloth. */
export interface PartCount {
  /** `decoder layers`, `vision tower`, … */
  readonly part: string;
  readonly tensors: number;
  readonly bytes: number;
  /** tensors by their type */
  readonly types: Readonly<Record<string, number>>;
}

/** Tensors by the part that they belong to, the largest first. */
export function countParts(
  tensors: Iterable<Pick<StoredTensor, "name" | "dtype" | "byteLength">>,
): PartCount[] {
  const parts = new Map<string, { tensors: number; bytes: number; types: Record<string, number> }>();
  for (const { name, dtype, byteLength } of tensors) {
    const part = partOf(name);
    const count = parts.get(part) ?? { tensors: 0, bytes: 0, types: {} };
    count.tensors += 1;
    count.bytes += byteLength;
    count.types[dtype] = (count.types[dtype] ?? 0) + 1;
    parts.set(part, count);
  }
  return [...parts].map(([part, count]) => ({ part, ...count })).sort((a, b) => b.bytes - a.bytes);
}
