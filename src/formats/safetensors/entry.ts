import { elementCount, showShape, type Shape } from "../../core/model/shape.ts";
import { DTYPE_BITS, isSafetensorsDtype, type SafetensorsDtype } from "./dtypes.ts";
import { MAX_RANK } from "./limits.ts";

/** One tensor as a header describes it; offsets count from the end of the header. */
export interface HeaderEntry {
  readonly dtype: SafetensorsDtype;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/**
 * Checks what a header says about one tensor.
 * @param dataBytes length of the file behind its header
 * @returns the entry, or the reason why there is none
 */
export function parseEntry(json: unknown, dataBytes: number): HeaderEntry | string {
  if (!isJsonObject(json)) return "is not described by an object";
  const { dtype, shape, data_offsets: offsets, ...others } = json;
  if (Object.keys(others).length > 0) return "is described by more than dtype, shape and data_offsets";
  if (typeof dtype !== "string" || !isSafetensorsDtype(dtype)) {
    return `has the unknown dtype ${JSON.stringify(dtype)?.slice(0, 40) ?? "(none)"}`;
  }
  if (!isSizes(shape)) return "has no shape of non-negative integers";
  if (shape.length > MAX_RANK) return `has ${shape.length} axes, more than the ${MAX_RANK} allowed`;
  if (!isSizes(offsets) || offsets.length !== 2) return "has no pair of data_offsets";
  const [begin = 0, end = 0] = offsets;
  if (begin > end) return `ends before it begins (data_offsets ${begin}, ${end})`;
  if (end > dataBytes) return `ends at byte ${end} of ${dataBytes} bytes of data: the file is cut short`;

  const expected = byteLength(shape, dtype);
  if (expected !== end - begin) {
    return `needs ${expected ?? "more than 2^53"} bytes for ${dtype} ${showShape(shape)} and has ${end - begin}`;
  }
  return { dtype, shape, begin, end };
}

/** Bytes of a tensor; undefined when they are not a whole number or cannot be addressed. */
function byteLength(shape: Shape, dtype: SafetensorsDtype): number | undefined {
  try {
    const bytes = elementCount([...shape, DTYPE_BITS[dtype]]) / 8;
    return Number.isInteger(bytes) ? bytes : undefined;
  } catch {
    return undefined;
  }
}
