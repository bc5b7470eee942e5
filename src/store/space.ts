import { FlashSlothError, systemCode } from "../core/errors.ts";
import { freeBytes } from "../core/free-space.ts";
import { showBytes } from "../core/show-bytes.ts";
import type { WantedVariant } from "../core/variant.ts";

/**
 * How much disk a conversion takes at its peak, as a multiple of the checkpoint's bytes, for the time before its tensors
 * are there to be counted. Of a published checkpoint's fp16 weights 0.86 are the language model: written as f16, and the
 * quantised file beside it until the f16 one is removed. The graphs (0.14, as fp32 twice that) come after that.
 */
const PEAK_FACTOR: Readonly<Record<string, number>> = { f16: 1.15, q8_0: 1.33, q5_k_m: 1.18, q4_k_m: 1.14 };
/** With f16 the graphs are the peak, and a reduced vision graph has the exact one beside it, to be compared with. */
const REDUCED_VISION_FACTOR: Readonly<Record<string, number>> = { ...PEAK_FACTOR, f16: 1.29 };
const LARGEST_FACTOR = Math.max(...Object.values(PEAK_FACTOR));

/** An unknown weight type is taken for the largest; the default is f16 with fp32 vision. */
export interface ConversionSize extends WantedVariant {
  /** Bytes that an interrupted conversion has finished. @default 0 */
  readonly finished?: number | undefined;
}

/** Bytes that converting a checkpoint of `checkpoint` bytes still needs at its peak. */
export function conversionBytes(checkpoint: number, options: ConversionSize = {}): number {
  const { quant = "f16", visionPrecision = "fp32", finished = 0 } = options;
  const factors = visionPrecision === "fp32" ? PEAK_FACTOR : REDUCED_VISION_FACTOR;
  return Math.max(0, Math.ceil(checkpoint * (factors[quant] ?? LARGEST_FACTOR)) - finished);
}

export interface SpaceNeed {
  /** the store's folder */
  readonly home: string;
  /** bytes */
  readonly toFetch: number;
  /** bytes */
  readonly toConvert: number;
}

/** `8.1 GB needed (6.4 GB to download, 1.7 GB to convert), 3.0 GB free in …` */
function figures({ home, toFetch, toConvert }: SpaceNeed, free: number): string {
  const parts = [
    ...(toFetch > 0 ? [`${showBytes(toFetch)} to download`] : []),
    ...(toConvert > 0 ? [`${showBytes(toConvert)} to convert`] : []),
  ];
  return `${showBytes(toFetch + toConvert)} needed (${parts.join(", ")}), ${showBytes(free)} free in ${home}`;
}

/** @throws `disk` with what is needed and what is there */
export async function requireSpace(need: SpaceNeed): Promise<void> {
  const free = await freeBytes(need.home);
  const lacking = free === undefined ? 0 : need.toFetch + need.toConvert - free;
  if (free === undefined || lacking <= 0) return;
  throw new FlashSlothError("disk", `not enough disk space: ${figures(need, free)}`, {
    hint: `free ${showBytes(lacking)}, or set FLASHSLOTH_HOME to a folder on another disk, and run the command again`,
  });
}

/** A disk that became full in spite of `requireSpace`: the same line with today's figures. Anything else is returned as it is. */
export async function explainFullDisk(error: unknown, need: SpaceNeed): Promise<unknown> {
  const full =
    error instanceof FlashSlothError && ["ENOSPC", "EDQUOT"].includes(systemCode(error.cause) ?? "");
  if (!full) return error;
  const free = await freeBytes(need.home);
  if (free === undefined) return error;
  return new FlashSlothError("disk", `the disk became full: ${figures(need, free)}`, {
    cause: error,
    hint: error.hint,
  });
}
