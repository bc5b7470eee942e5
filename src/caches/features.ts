import { toFloat16, toFloat32 } from "../core/model/dtype.ts";
import { cacheBounds, KEPT_FREE_BYTES } from "./bounds.ts";
import { DiskCache } from "./disk-cache.ts";
import type { CacheKey } from "./entries.ts";

/** Raised when the same key would no longer stand for the same values, or their layout changes. */
const FORMAT = 1;
/** uint32: how many values of the features follow, and how many of the visual tokens */
const HEADER_BYTES = 8;

/** What the vision encoder made of a picture. */
export interface Features {
  /** float32 [crops, 729, 1152] */
  readonly features: Float32Array;
  /** float32 [crops, 81, 2560] */
  readonly visualTokens: Float32Array;
}

/** Features as they come back from the disk. */
export interface KeptFeatures extends Features {
  /** They were float16 in between: 2^-11 of a value away from what was computed, what `roundFeatures` makes of that. */
  readonly rounded: true;
}

export interface FeatureCacheOptions {
  readonly directory: string;
  /** what `visionKey` made of the model */
  readonly model: string;
  /** What computes, as far as it changes values: onnxruntime's release and provider. */
  readonly runtime: string;
  /** @default what `cacheBounds` gives: a thousand pictures */
  readonly maxBytes?: number | undefined;
}

/** Features and visual tokens of pictures as float16 (2.1 MB a crop at full size), so that vision runs once for each picture. */
export class FeatureCache {
  readonly #options: FeatureCacheOptions;
  readonly #cache: DiskCache;

  constructor(options: FeatureCacheOptions) {
    const { directory, maxBytes = cacheBounds().features } = options;
    this.#options = options;
    this.#cache = new DiskCache({ directory, maxBytes, keepFree: KEPT_FREE_BYTES, secret: true });
  }

  /** Resolves when all that was handed to `write` is on the disk, or has failed to get there. */
  get written(): Promise<void> {
    return this.#cache.written;
  }

  /**
   * @param picture its `PreparedPicture.digest`
   * @returns undefined where nothing sound is kept
   */
  async read(picture: string): Promise<KeptFeatures | undefined> {
    const bytes = await this.#cache.read(this.#key(picture));
    if (bytes === undefined || bytes.length < HEADER_BYTES) return undefined;
    const [features = 0, visualTokens = 0] = new Uint32Array(bytes.buffer, bytes.byteOffset, 2);
    const [start, end] = [HEADER_BYTES + features * 2, HEADER_BYTES + (features + visualTokens) * 2];
    if (end !== bytes.length) return undefined;
    return {
      features: toFloat32(bytes.subarray(HEADER_BYTES, start), "F16"),
      visualTokens: toFloat32(bytes.subarray(start, end), "F16"),
      rounded: true,
    };
  }

  /**
   * Keeps a copy, taken before this returns; resolves when it is on the disk, or has failed to get there. Values that float16
   * cannot hold (beyond 65504, or not finite) are not kept at all.
   */
  async write(picture: string, { features, visualTokens }: Features): Promise<void> {
    const [first, second] = [finiteHalves(features), finiteHalves(visualTokens)];
    if (first === undefined || second === undefined) return;
    const header = Uint32Array.of(first.length, second.length);
    await this.#cache.write(this.#key(picture), [header, first, second].map(bytesOf));
  }

  #key(picture: string): CacheKey {
    const { model, runtime } = this.#options;
    return { model, parts: ["features", FORMAT, runtime, picture] };
  }
}

/**
 * Rounds a picture's features in place to what `read` would give back, for answers that do not depend on whether they were kept.
 * @returns false when float16 cannot hold them: nothing was changed, and `write` will not keep them
 */
export function roundFeatures({ features, visualTokens }: Features): boolean {
  const [first, second] = [finiteHalves(features), finiteHalves(visualTokens)];
  if (first === undefined || second === undefined) return false;
  features.set(toFloat32(bytesOf(first), "F16"));
  visualTokens.set(toFloat32(bytesOf(second), "F16"));
  return true;
}

/** Float16 of `values`, or undefined when one of them is infinite or no number then. */
function finiteHalves(values: Float32Array): Uint16Array | undefined {
  const halves = toFloat16(values);
  for (let i = 0; i < halves.length; i++) if (((halves[i] ?? 0) & 0x7c00) === 0x7c00) return undefined;
  return halves;
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint16Array | Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
