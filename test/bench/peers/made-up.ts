import { toFloat16 } from "../../../src/core/model/dtype.ts";
import { elementCount, type Shape } from "../../../src/core/model/shape.ts";
import { tensorByteLength } from "../../../src/formats/gguf/layout.ts";
import { type GgufTensorType, TENSOR_TYPES } from "../../../src/formats/gguf/types.ts";
import type { GgufTensorSource } from "../../../src/formats/gguf/write.ts";

/** Standard deviation of made-up weights. */
const SPREAD = 0.02;
/** Blocks that are made and then repeated: speed does not depend on what weights say. */
const PATTERN_BLOCKS = 512;

/**
 * Where a block's 16-bit scales stand, and what they are for weights of about {@link SPREAD} when all other bytes are random:
 * the layouts of `ggml-common.h`. Q4_K has a second one, of the block's minimum, that makes the mean 0.
 */
const SCALES: Partial<Record<GgufTensorType, readonly (readonly [at: number, value: number])[]>> = {
  Q4_K: [
    [0, SPREAD / 190],
    [2, (7.5 * SPREAD) / 190],
  ],
  Q6_K: [[208, SPREAD / 1370]],
  Q5_0: [[0, SPREAD / 9]],
  Q8_0: [[0, SPREAD / 74]],
};

const patterns = new Map<GgufTensorType, Uint8Array>();

/** A tensor of made-up values: random ones, or the same one everywhere (F32 only). */
export function madeUp(
  name: string,
  type: GgufTensorType,
  shape: Shape,
  constant?: number,
): GgufTensorSource {
  return {
    name,
    type,
    shape,
    async *chunks() {
      if (constant !== undefined) {
        yield new Uint8Array(new Float32Array(elementCount(shape)).fill(constant).buffer);
        return;
      }
      const pattern = patternOf(type);
      const total = tensorByteLength(type, shape) ?? 0;
      for (let at = 0; at < total; at += pattern.length) yield pattern.subarray(0, total - at);
    },
  };
}

/** @throws RangeError for a type that no peer is stored in */
function patternOf(type: GgufTensorType): Uint8Array {
  const known = patterns.get(type);
  if (known !== undefined) return known;
  const pattern = type === "F16" ? halves() : blocks(type);
  patterns.set(type, pattern);
  return pattern;
}

function halves(): Uint8Array {
  const random = generator();
  const values = Float32Array.from(
    { length: 256 * PATTERN_BLOCKS },
    () => (random() / 2 ** 31 - 1) * SPREAD * Math.sqrt(3),
  );
  return new Uint8Array(toFloat16(values).buffer);
}

function blocks(type: GgufTensorType): Uint8Array {
  const scales = SCALES[type];
  if (scales === undefined) throw new RangeError(`nothing is known about blocks of ${type}`);
  const { bytes } = TENSOR_TYPES[type];
  const random = generator();
  const out = Uint8Array.from({ length: bytes * PATTERN_BLOCKS }, () => random() >>> 24);
  const view = new DataView(out.buffer);
  for (const [at, value] of scales) {
    const [half = 0] = toFloat16(Float32Array.of(value));
    for (let block = 0; block < PATTERN_BLOCKS; block++) view.setUint16(block * bytes + at, half, true);
  }
  return out;
}

/** Numerical Recipes' generator: unsigned 32 bit. */
function generator(): () => number {
  let state = 1;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
}
