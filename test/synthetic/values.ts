import { toFloat16 } from "../../src/core/model/dtype.ts";
import { elementCount, type Shape } from "../../src/core/model/shape.ts";

/** Values made and converted at a time: two arrays that stay in the processor's cache. */
const BLOCK = 16_384;
const TWO_TO_23 = 8_388_608;
/** 2^32 divided by the golden ratio, made odd: the step of the counter that is hashed. */
const GOLDEN_STEP = 0x9e37_79b9;

/** FNV-1a of the name's UTF-8 bytes, unsigned 32 bit. */
export function fnv1a(name: string): number {
  let hash = 0x811c_9dc5;
  for (const byte of Buffer.from(name, "utf8")) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return hash >>> 0;
}

interface Scale {
  readonly offset: number;
  readonly factor: number;
}

/** What the unit values are multiplied by and moved to, by the tensor's role. */
function scaleOf(name: string, shape: Shape): Scale {
  const isNorm = name.includes("layernorm") || name.includes("layer_norm") || name.includes(".ln_");
  if (name.endsWith(".weight") && isNorm) return { offset: 1, factor: 0.1 };
  if (name.endsWith(".bias")) return { offset: 0, factor: 0.05 };
  const isTable = name.includes("embed_tokens") || name.includes("position_embedding");
  if (isTable || name.endsWith("learnable_tokens.token")) return { offset: 0, factor: 0.5 };
  const gain = name === "lm_head.weight" ? 4 : 1;
  return { offset: 0, factor: Math.sqrt(3 / elementCount(shape.slice(1))) * gain };
}

/**
 * The float16 bits of elements `first` to `first + count` of a synthetic tensor. Element i is murmur3's fmix32 of
 * `fnv1a(name) + i * GOLDEN_STEP`; its top 24 bits are a float in [-1, 1), scaled by the tensor's role in float64, then
 * rounded to float32 and to float16 (half to even). The definition is `synth.py`, described beside the goldens.
 * @param first below 2^32
 * @param rows what the elements of each index of the first axis are multiplied by before they are rounded; 1 unless given
 */
export function syntheticHalves(
  name: string,
  shape: Shape,
  first: number,
  count: number,
  rows?: Float32Array,
): Uint16Array {
  const { offset, factor } = scaleOf(name, shape);
  const rowLength = elementCount(shape.slice(1));
  const out = new Uint16Array(count);
  const block = new Float32Array(Math.min(BLOCK, count));
  let counter = (fnv1a(name) + Math.imul(first | 0, GOLDEN_STEP)) | 0;
  for (let start = 0; start < count; start += BLOCK) {
    const length = Math.min(BLOCK, count - start);
    for (let i = 0; i < length; i++) {
      let x = counter;
      x = Math.imul(x ^ (x >>> 16), 0x85eb_ca6b);
      x = Math.imul(x ^ (x >>> 13), 0xc2b2_ae35);
      const unit = ((x ^ (x >>> 16)) >>> 8) / TWO_TO_23 - 1;
      const value = offset + factor * unit;
      block[i] =
        rows === undefined ? value : value * (rows[Math.floor((first + start + i) / rowLength)] ?? 1);
      counter = (counter + GOLDEN_STEP) | 0;
    }
    out.set(toFloat16(block.subarray(0, length)), start);
  }
  return out;
}
