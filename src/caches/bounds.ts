const GIB = 2 ** 30;

/**
 * Bytes of all caches together unless told otherwise: as much as the default model itself takes.
 * One crop at full size is 2.1 MB of features (float16: 729 x 1152 and 81 x 2560) and 37 MB of KV (float16: 113 positions
 * of 32 layers): 2 GiB are the features of a thousand pictures, 1 GiB the prefixes of the last thirty.
 */
export const DEFAULT_CACHE_BYTES: number = 3 * GIB;

/** A disk with less space than this is left alone. */
export const KEPT_FREE_BYTES: number = GIB;

/** 10 MB for each model, llama.cpp release and backend: what older releases left goes in time. */
export const PROMPTS_MAX_BYTES: number = GIB / 4;

export interface CacheBounds {
  /** bytes of the feature cache: two thirds, since most of what a picture costs is its vision, and keeping that takes the fewest bytes */
  readonly features: number;
  /** bytes of the prefix cache */
  readonly prefixes: number;
}

/** @param total bytes for all pictures. @default DEFAULT_CACHE_BYTES */
export function cacheBounds(total: number = DEFAULT_CACHE_BYTES): CacheBounds {
  const prefixes = Math.floor(total / 3);
  return { features: total - prefixes, prefixes };
}
