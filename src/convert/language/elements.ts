import { BYTES_PER_ELEMENT, toFloat16, toFloat32, type Dtype } from "../../core/model/dtype.ts";
import { FlashSlothError } from "../../core/errors.ts";

/** Elements that are converted at once: 4 MiB of float32. */
const PIECE = 2 ** 20;

/** Exponent bits of a float16 all set: infinity or no number. */
const NOT_FINITE = 0x7c00;

/**
 * The elements of a tensor as another type, piece by piece, so that no second whole copy is in memory.
 * Bytes that already have the type pass untouched.
 * @throws `checkpoint-invalid` naming the tensor when a value does not fit into float16
 */
export function* convertElements(
  name: string,
  bytes: Uint8Array,
  from: Dtype,
  to: "F16" | "F32",
): Generator<Uint8Array> {
  const step = PIECE * BYTES_PER_ELEMENT[from];
  for (let at = 0; at < bytes.byteLength; at += step) {
    const piece = bytes.subarray(at, at + step);
    if (from === to) yield piece;
    else if (to === "F32") yield bytesOf(toFloat32(piece, from));
    else yield bytesOf(finiteFloat16(name, toFloat32(piece, from)));
  }
}

function finiteFloat16(name: string, values: Float32Array): Uint16Array {
  const halves = toFloat16(values);
  const bad = halves.findIndex((half) => (half & NOT_FINITE) === NOT_FINITE);
  if (bad !== -1) {
    throw new FlashSlothError(
      "checkpoint-invalid",
      `${name} holds ${values[bad]}, which float16 cannot represent`,
    );
  }
  return halves;
}

function bytesOf(values: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
