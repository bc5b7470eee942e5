import { freeBytes, showNeed, type SpaceNeed } from "../core/files/disk-space.ts";
import { FlashSlothError, systemCode } from "../core/errors.ts";
import { showBytes } from "../core/show-bytes.ts";

export interface StoreNeed {
  /** the store's folder */
  readonly home: string;
  /** bytes */
  readonly toFetch: number;
  /** bytes */
  readonly toConvert: number;
  /** bytes of files that are on this disk elsewhere. @default 0 */
  readonly toCopy?: number | undefined;
}

/** `8.1 GB needed (6.4 GB to download, 1.7 GB to convert)` */
export function storeNeed({ home, toFetch, toConvert, toCopy = 0 }: StoreNeed): SpaceNeed {
  const parts = [
    ...(toFetch > 0 ? [`${showBytes(toFetch)} to download`] : []),
    ...(toCopy > 0 ? [`${showBytes(toCopy)} to copy`] : []),
    ...(toConvert > 0 ? [`${showBytes(toConvert)} to convert`] : []),
  ];
  return {
    folder: home,
    bytes: toFetch + toCopy + toConvert,
    purpose: `(${parts.join(", ")})`,
    remedy: ", or set FLASHSLOTH_HOME to a folder on another disk,",
  };
}

/** A disk that became full in spite of `requireSpace`: the same line with today's figures. Anything else is returned as it is. */
export async function explainFullDisk(error: unknown, need: StoreNeed): Promise<unknown> {
  const full =
    error instanceof FlashSlothError && ["ENOSPC", "EDQUOT"].includes(systemCode(error.cause) ?? "");
  if (!full) return error;
  const free = await freeBytes(need.home);
  if (free === undefined) return error;
  return new FlashSlothError("disk", `the disk became full: ${showNeed(storeNeed(need), free)}`, {
    cause: error,
    hint: error.hint,
  });
}
