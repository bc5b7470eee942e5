/** The element types a FlashSloth checkpoint may hold. */
export type Dtype = "F16" | "BF16" | "F32";

export const BYTES_PER_ELEMENT: Readonly<Record<Dtype, number>> = { F16: 2, BF16: 2, F32: 4 };

/** float32 bits of every float16 value, by its 16 bits. Built once, 256 KiB. */
let halfTable: Float32Array | undefined;

function buildHalfTable(): Float32Array {
  const bits = new Uint32Array(0x1_0000);
  for (let half = 0; half < 0x1_0000; half++) {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 0x1f;
    const mantissa = half & 0x3ff;
    if (exponent === 0x1f) bits[half] = sign | 0x7f80_0000 | (mantissa << 13);
    else if (exponent !== 0) bits[half] = sign | ((exponent + 112) << 23) | (mantissa << 13);
    else if (mantissa === 0) bits[half] = sign;
    else {
      // subnormal: normalise by the position of the highest set bit
      const shift = Math.clz32(mantissa) - 21;
      bits[half] = sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13);
    }
  }
  return new Float32Array(bits.buffer);
}

/**
 * Little-endian elements of `dtype` as float32; exact for every input.
 * @param bytes length a multiple of the dtype's width
 */
export function toFloat32(bytes: Uint8Array, dtype: Dtype): Float32Array {
  const count = bytes.byteLength / BYTES_PER_ELEMENT[dtype];
  const out = new Float32Array(count);
  if (dtype === "F32") {
    new Uint8Array(out.buffer).set(bytes);
    return out;
  }
  const words = asUint16(bytes);
  if (dtype === "BF16") {
    const bits = new Uint32Array(out.buffer);
    for (let i = 0; i < count; i++) bits[i] = (words[i] ?? 0) << 16;
    return out;
  }
  halfTable ??= buildHalfTable();
  for (let i = 0; i < count; i++) out[i] = halfTable[words[i] ?? 0] ?? 0;
  return out;
}

function asUint16(bytes: Uint8Array): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
}

/** float32 values as little-endian IEEE float16, round half to even; overflow becomes infinity. */
export function toFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = halfBits(bits[i] ?? 0);
  return out;
}

function halfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fff_ffff;
  if (magnitude > 0x7f80_0000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477f_f000) return sign | 0x7c00; // rounds beyond 65504
  if (magnitude >= 0x3880_0000) {
    // normal: rebias 127 -> 15, then round the 13 dropped bits half to even
    const rebased = magnitude - 0x3800_0000;
    return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
  }
  if (magnitude <= 0x3300_0000) return sign; // at most half of the smallest subnormal
  const shift = 126 - (magnitude >>> 23);
  const mantissa = (magnitude & 0x7f_ffff) | 0x80_0000;
  const kept = mantissa >>> shift;
  const dropped = mantissa & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (kept + (dropped > half || (dropped === half && (kept & 1) === 1) ? 1 : 0));
}
