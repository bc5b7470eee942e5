import type { Checkpoint } from "../checkpoint/types.ts";
import { FlashSlothError } from "../core/errors.ts";
import { EXACT_PRECISION, EXACT_QUANT, type Quant, type VisionPrecision } from "../core/model/variant.ts";
import type { Graph } from "../formats/onnx/builder.ts";
import { layOutWeights } from "../formats/onnx/layout.ts";
import { languageBytes } from "./language/sizes.ts";
import { embqGraph, visionGraph } from "./onnx/write.ts";
import { visionRoles } from "./vision.ts";

/** What a conversion needs to know of a checkpoint to tell its own size: nothing of its weights' values. */
export type Convertible = Pick<Checkpoint, "config" | "tensors" | "tokenizer">;

export interface ConversionPeakOptions {
  readonly checkpoint: Convertible;
  readonly quant: Quant;
  /** Of the vision encoder. */
  readonly precision: VisionPrecision;
  /** Parts that an earlier run finished. @default none */
  readonly done?: {
    readonly f16: boolean;
    readonly language: boolean;
    readonly vision: boolean;
  };
}

/** Manifest, records, model card, and what the file system rounds up. */
const REST_BYTES = 2 ** 16;

/** The graphs' files without their weights: at most so much for each vision block, and for each patch of a crop. */
const GRAPH_BYTES = { any: 20_000, block: 7000, gpuBlock: 18_000, mixedBlock: 20_000, patch: 320 } as const;

/** Bytes that converting a checkpoint will take from the disk at its peak, on top of what an earlier run left there. */
export function conversionPeak(options: ConversionPeakOptions): number {
  const { checkpoint, quant, precision } = options;
  const { done = { f16: false, language: false, vision: false } } = options;
  const f16 = languageBytes(checkpoint, EXACT_QUANT);
  const graphs = graphSizes(checkpoint, precision);
  const language = done.language ? 0 : quant === EXACT_QUANT ? f16 : languageBytes(checkpoint, quant);
  // the exact vision graph is gone again before the others are written
  const vision = done.vision ? graphs.others : graphs.vision + Math.max(graphs.beside, graphs.others);
  if (quant === EXACT_QUANT || done.language) return language + vision + REST_BYTES;
  // the f16 file is gone before the graphs are written
  const whileQuantizing = (done.f16 ? 0 : f16) + language;
  const whileWritingGraphs = language + vision - (done.f16 ? f16 : 0);
  return Math.max(whileQuantizing, whileWritingGraphs) + REST_BYTES;
}

/** Bytes that the finished model will have; with mixed vision at most, for how much of that is rounded is found out on the way. */
export function convertedBytes({ checkpoint, quant, precision }: ConversionPeakOptions): number {
  const { vision, others } = graphSizes(checkpoint, precision);
  return languageBytes(checkpoint, quant) + vision + others;
}

interface GraphSizes {
  /** encoder, pooling and projector, as they will be at most */
  readonly vision: number;
  /** what stands beside them for a moment: the exact ones that a reduced precision is compared with */
  readonly beside: number;
  /** EmbQ and the query vectors */
  readonly others: number;
}

/** The graphs as they will be written, by what they will hold. */
function graphSizes(convertible: Convertible, precision: VisionPrecision): GraphSizes {
  const checkpoint = unread(convertible);
  const { vision, embq, text } = convertible.config;
  const blocks = GRAPH_BYTES[precision === "mixed" ? "mixedBlock" : "block"] * vision.layers;
  const file = GRAPH_BYTES.any + blocks + GRAPH_BYTES.patch * vision.grid ** 2;
  const forGpus = visionRoles(precision).visionBatch === undefined ? 0 : GRAPH_BYTES.gpuBlock * vision.layers;
  const exact = file + dataBytes(visionGraph({ checkpoint }));
  const whole = precision === EXACT_PRECISION || precision === "mixed";
  return {
    vision: forGpus + (whole ? exact : file + dataBytes(visionGraph({ checkpoint, weights: precision }))),
    // mixed graphs are compared with numbers that are kept, and calibrated one block at a time before they are written
    beside: whole ? 0 : exact,
    others: dataBytes(embqGraph(checkpoint)) + 4 * embq.queries * text.hiddenSize,
  };
}

function dataBytes({ weights }: Graph): number {
  return layOutWeights(weights).size;
}

async function refuse(): Promise<never> {
  throw new FlashSlothError("internal", "a size was asked for, and no weights");
}

/** A checkpoint whose weights nobody may want: a graph is built without them. */
function unread(checkpoint: Convertible): Checkpoint {
  return {
    ...checkpoint,
    directory: "",
    readBytes: refuse,
    readFloat32: refuse,
    unconsumed: () => [],
    close: async () => undefined,
  };
}
