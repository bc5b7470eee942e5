import type { Checkpoint } from "../checkpoint/types.ts";
import { elementCount } from "../core/shape.ts";
import {
  EXACT_PRECISION,
  EXACT_QUANT,
  type Quant,
  type VisionPrecision,
  type WantedVariant,
} from "../core/variant.ts";
import { languageBytes, layerBits } from "./language/sizes.ts";
import { languageTensors } from "./language/tensors.ts";

/** What a conversion writes, in bytes or in any other unit. */
interface PartSizes {
  /** the language model's file as float16, and as the weight type that is wanted */
  readonly f16: number;
  readonly language: number;
  /** the exact graphs with their weights */
  readonly graphs: number;
  /** graph files, manifest, records, and the file system's own needs */
  readonly rest: number;
}

interface PeakOptions {
  readonly quant: string;
  /** Of the vision encoder; anything but fp32 is compared with the exact graph before it goes. */
  readonly precision: VisionPrecision;
  /** parts that an earlier run finished */
  readonly done: { readonly f16: boolean; readonly language: boolean; readonly vision: boolean };
}

const NOTHING_DONE = { f16: false, language: false, vision: false } as const;

/** What a conversion takes from the disk at its peak, on top of what an earlier run left there. */
function peak({ f16, language, graphs, rest }: PartSizes, { quant, precision, done }: PeakOptions): number {
  const file = done.language ? 0 : language;
  const reduced = precision !== EXACT_PRECISION;
  // for a moment, the exact ones stand beside reduced weights, which are half of them at most, and a block beside mixed ones
  const vision = done.vision ? 0 : reduced ? 1.5 * graphs : graphs;
  if (quant === EXACT_QUANT || done.language) return file + vision + rest;
  // the f16 file is gone before the graphs are written
  const whileQuantizing = (done.f16 ? 0 : f16) + file;
  const whileWritingGraphs = file + vision - (done.f16 ? f16 : 0);
  return Math.max(whileQuantizing, whileWritingGraphs) + rest;
}

const REST_BYTES = 2 ** 20;

export interface ConversionPeakOptions extends PeakOptions {
  readonly checkpoint: Checkpoint;
  readonly quant: Quant;
}

/** Bytes that converting a checkpoint will take from the disk at its peak, by its tensors. */
export function conversionPeak({ checkpoint, ...options }: ConversionPeakOptions): number {
  const sizes = {
    f16: languageBytes(checkpoint, EXACT_QUANT),
    language: languageBytes(checkpoint, options.quant),
    graphs: graphBytes(checkpoint),
    rest: REST_BYTES,
  };
  return peak(sizes, options);
}

/** Everything that is not the language model's, as float32. */
function graphBytes(checkpoint: Checkpoint): number {
  const language = new Set(languageTensors(checkpoint.config.text.layers).map(({ from }) => from));
  let bytes = 0;
  for (const { name, shape } of checkpoint.tensors.values()) {
    if (!language.has(name)) bytes += 4 * elementCount(shape);
  }
  return bytes;
}

/** Hundredths of a published checkpoint's fp16 weights: the language model, and everything else as float32. */
const LANGUAGE_SHARE = 86;
const GRAPH_SHARE = 28;

/** What is left open is the exact variant; an unknown weight type is taken for the largest. */
export interface ConversionEstimate extends WantedVariant {
  /** Bytes that an interrupted conversion has finished. @default 0 */
  readonly finished?: number | undefined;
}

/** About the same for a checkpoint of so many bytes, for the time before its tensors are there to be counted. */
export function estimateConversion(checkpoint: number, options: ConversionEstimate = {}): number {
  const { quant = EXACT_QUANT, visionPrecision: precision = EXACT_PRECISION, finished = 0 } = options;
  const language = Math.ceil((LANGUAGE_SHARE * layerBits(quant)) / 16);
  const sizes = { f16: LANGUAGE_SHARE, language, graphs: GRAPH_SHARE, rest: 1 };
  const share = peak(sizes, { quant, precision, done: NOTHING_DONE });
  return Math.max(0, Math.ceil((checkpoint * share) / 100) - finished);
}
