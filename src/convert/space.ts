import { dirname, resolve } from "node:path";
import type { Checkpoint } from "../checkpoint/types.ts";
import { FlashSlothError } from "../core/errors.ts";
import { EXACT_PRECISION, EXACT_QUANT, type Quant, type VisionPrecision } from "../core/variant.ts";
import { freeBytes } from "../core/free-space.ts";
import { elementCount } from "../core/shape.ts";
import { showBytes } from "../core/show-bytes.ts";
import { languageBytes } from "./language/sizes.ts";
import { languageTensors } from "./language/tensors.ts";

/** Graph files, manifest, records, and the file system's own needs. */
const REST_BYTES = 2 ** 20;

export interface SpaceOptions {
  readonly checkpoint: Checkpoint;
  readonly out: string;
  readonly quant: Quant;
  /** Of the vision encoder; anything but fp32 is compared with the exact graph before it goes. @default "fp32" */
  readonly precision?: VisionPrecision | undefined;
  /** parts that an earlier run finished */
  readonly done: { readonly f16: boolean; readonly language: boolean; readonly vision: boolean };
}

/** Bytes that a conversion will take from the disk at its peak, on top of what an earlier run left there. */
export function conversionPeak({
  checkpoint,
  quant,
  precision = EXACT_PRECISION,
  done,
}: Omit<SpaceOptions, "out">): number {
  const f16 = languageBytes(checkpoint, EXACT_QUANT);
  const language = done.language ? 0 : languageBytes(checkpoint, quant);
  const exact = graphBytes(checkpoint);
  const reduced = precision !== EXACT_PRECISION;
  // reduced weights take at most as much again as half of the exact ones, which stand beside them for a moment
  const graphs = (done.vision ? 0 : reduced ? exact / 2 : exact) + (reduced ? exact : 0);
  if (quant === EXACT_QUANT || done.language) return language + graphs + REST_BYTES;
  // the f16 file is gone before the graphs are written
  const whileQuantising = (done.f16 ? 0 : f16) + language;
  const whileWritingGraphs = language + graphs - (done.f16 ? f16 : 0);
  return Math.max(whileQuantising, whileWritingGraphs) + REST_BYTES;
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

/** @throws `disk` with what is needed and what is there */
export async function requireSpace(options: SpaceOptions): Promise<void> {
  const folder = dirname(resolve(options.out));
  const need = conversionPeak(options);
  const free = await freeBytes(folder);
  if (free === undefined || free >= need) return;
  throw new FlashSlothError(
    "disk",
    `not enough disk space: ${showBytes(need)} needed to convert, ${showBytes(free)} free in ${folder}`,
    { hint: `free ${showBytes(need - free)} there and run the command again` },
  );
}
