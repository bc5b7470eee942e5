import { FlashSlothError, systemCode } from "../core/errors.ts";
import { freeBytes } from "../core/free-space.ts";
import { showBytes } from "../core/show-bytes.ts";

/**
 * How much disk a conversion takes at its peak, as a multiple of the checkpoint's bytes. Of a published checkpoint's
 * fp16 weights about 1/7 is vision and EmbQ, written as fp32 (twice the size), the rest the language model, written as
 * f16 first: 2/7 + 6/7. The quantised file stands beside the f16 one until that is removed.
 */
const F16_FACTOR = 1.15;
const QUANTISED_FACTOR: Readonly<Record<string, number>> = { f16: 0, q8_0: 0.46, q5_k_m: 0.31, q4_k_m: 0.27 };

/** Bytes that converting a checkpoint of `checkpoint` bytes needs at its peak. An unknown type is taken for the largest. */
export function conversionBytes(checkpoint: number, quant: string = "f16"): number {
  return Math.ceil(checkpoint * (F16_FACTOR + (QUANTISED_FACTOR[quant] ?? 0.46)));
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
