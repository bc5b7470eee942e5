import { elementCount, type Shape } from "../../core/model/shape.ts";
import { TENSOR_TYPES, type GgufTensorType } from "./types.ts";

/** The smallest multiple of `alignment` that is not below `position`. */
export function alignUp(position: number, alignment: number): number {
  return Math.ceil(position / alignment) * alignment;
}

/**
 * Bytes of a tensor's values.
 * @param shape row-major; the last axis must be whole blocks of the type
 * @returns undefined when the last axis is no whole number of blocks
 */
export function tensorByteLength(type: GgufTensorType, shape: Shape): number | undefined {
  const { block, bytes } = TENSOR_TYPES[type];
  const row = shape.at(-1) ?? 1;
  if (row % block !== 0) return undefined;
  return (elementCount(shape) / block) * bytes;
}

/**
 * Where tensors of these lengths stand when each starts at the next multiple of `alignment`.
 * @returns offsets from the start of the data section, and the section's length with the last padding
 */
export function placeTensors(
  byteLengths: readonly number[],
  alignment: number,
): { readonly offsets: readonly number[]; readonly end: number } {
  const offsets: number[] = [];
  let end = 0;
  for (const byteLength of byteLengths) {
    offsets.push(end);
    end = alignUp(end + byteLength, alignment);
  }
  return { offsets, end };
}
