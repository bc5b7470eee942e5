import { EMBQ, QUERIES, VISION_BLOCKS } from "../checkpoint/names.ts";
import type { Checkpoint } from "../checkpoint/types.ts";
import { elementCount } from "../core/shape.ts";
import { EXACT_PRECISION, EXACT_QUANT, type Quant, type VisionPrecision } from "../core/variant.ts";
import { languageBytes } from "./language/sizes.ts";
import { languageTensors } from "./language/tensors.ts";

/** What a conversion needs to know of a checkpoint to tell its own size: nothing of its weights' values. */
export type Convertible = Pick<Checkpoint, "config" | "tensors" | "tokenizer">;

export interface ConversionPeakOptions {
  readonly checkpoint: Convertible;
  readonly quant: Quant;
  /** Of the vision encoder; anything but fp32 is compared with the exact graph before it goes. */
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
const GRAPH_BYTES = { any: 20_000, block: 7000, patch: 320 } as const;

/** Bytes of an element of the vision encoder's matrices, and beside them for each output. */
const MATRIX_BYTES: Readonly<Partial<Record<VisionPrecision, { element: number; output: number }>>> = {
  fp16: { element: 2, output: 0 },
  int8: { element: 1, output: 4 },
};

/** Bytes that converting a checkpoint will take from the disk at its peak, on top of what an earlier run left there. */
export function conversionPeak(options: ConversionPeakOptions): number {
  const { checkpoint, quant, precision } = options;
  const { done = { f16: false, language: false, vision: false } } = options;
  const f16 = languageBytes(checkpoint, EXACT_QUANT);
  const graphs = graphSizes(checkpoint, precision);
  const exact = precision === EXACT_PRECISION;
  const language = done.language ? 0 : quant === EXACT_QUANT ? f16 : languageBytes(checkpoint, quant);
  // the exact vision graph stands beside the reduced one while the two are compared
  const vision = (done.vision ? 0 : graphs.vision) + graphs.others + (exact ? 0 : graphs.exactVision);
  if (quant === EXACT_QUANT || done.language) return language + vision + REST_BYTES;
  // the f16 file is gone before the graphs are written
  const whileQuantizing = (done.f16 ? 0 : f16) + language;
  const whileWritingGraphs = language + vision - (done.f16 ? f16 : 0);
  return Math.max(whileQuantizing, whileWritingGraphs) + REST_BYTES;
}

/** Bytes that the finished model will have. */
export function convertedBytes({ checkpoint, quant, precision }: ConversionPeakOptions): number {
  const { vision, others } = graphSizes(checkpoint, precision);
  return languageBytes(checkpoint, quant) + vision + others;
}

interface GraphSizes {
  /** encoder, pooling and projector, as they will be and as float32 */
  readonly vision: number;
  readonly exactVision: number;
  /** EmbQ and the query vectors */
  readonly others: number;
}

/** Weights of everything that is not the language model's. */
function graphSizes({ config, tensors }: Convertible, precision: VisionPrecision): GraphSizes {
  const language = new Set(languageTensors(config.text.layers).map(({ from }) => from));
  const reduced = MATRIX_BYTES[precision] ?? { element: 4, output: 0 };
  const { layers, grid } = config.vision;
  const graph = GRAPH_BYTES.any + GRAPH_BYTES.block * layers + GRAPH_BYTES.patch * grid ** 2;
  let [vision, exactVision, others] = [graph, graph, 0];
  for (const { name, shape } of tensors.values()) {
    if (language.has(name)) continue;
    const exact = 4 * elementCount(shape);
    if (name.startsWith(`${EMBQ}.`) || name === QUERIES) {
      others += exact;
      continue;
    }
    exactVision += exact;
    const matrix = name.startsWith(`${VISION_BLOCKS}.`) && shape.length === 2;
    vision += matrix ? reduced.element * elementCount(shape) + reduced.output * (shape[0] ?? 0) : exact;
  }
  return { vision, exactVision, others };
}
