import { elementCount } from "../../core/model/shape.ts";
import type { Weight } from "./builder.ts";
import { ELEMENT_BYTES } from "./messages.ts";

/** A weight's place in the data file, in bytes. */
export interface WeightPlace {
  readonly weight: Weight;
  readonly offset: number;
  readonly length: number;
}

export interface WeightLayout {
  readonly places: readonly WeightPlace[];
  /** length of the whole data file */
  readonly size: number;
}

/** Enough for every vector instruction. */
const SMALL_ALIGNMENT = 64;
/** Tensors from here on begin at a boundary that every system can memory-map (Windows: 64 KiB). */
const LARGE_TENSOR = 1 << 20;
const LARGE_ALIGNMENT = 1 << 16;

/** One place for each weight, in the order given, aligned and without overlap. */
export function layOutWeights(weights: readonly Weight[]): WeightLayout {
  const places: WeightPlace[] = [];
  let end = 0;
  for (const weight of weights) {
    const length = elementCount(weight.shape) * ELEMENT_BYTES[weight.element];
    const alignment = length >= LARGE_TENSOR ? LARGE_ALIGNMENT : SMALL_ALIGNMENT;
    const offset = Math.ceil(end / alignment) * alignment;
    places.push({ weight, offset, length });
    end = offset + length;
  }
  return { places, size: end };
}
