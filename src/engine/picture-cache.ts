import { FeatureCache, roundFeatures } from "../caches/features.ts";
import { languageKey, visionKey } from "../caches/keys.ts";
import { PrefixCache } from "../caches/prefixes.ts";
import { cacheBounds } from "../caches/bounds.ts";
import type { Manifest } from "../core/model/manifest.ts";
import type { PreparedPicture } from "../image/picture.ts";
import type { EncodedCrops } from "../vision/encoder.ts";
import type { PictureCacheOptions } from "./api.ts";
import { SYSTEM_TEXT } from "./prompt.ts";

/** Prefixes are for the next question about one of the last few pictures: a run over more would only wear the disk. */
const MOST_PICTURES_WITH_PREFIXES = 8;

export interface PictureCacheParts extends PictureCacheOptions {
  readonly manifest: Manifest;
  /** onnxruntime's provider that encodes pictures */
  readonly provider: string;
  /** how many pictures will be encoded, as far as one knows */
  readonly pictures: number;
}

/** A picture's features, and what stands for the picture in the caches. */
export interface KeptPicture {
  readonly key: string;
  readonly crops: EncodedCrops;
}

/** What is kept of pictures from one run to the next: their features, and of the last few their prefix in the KV cache. */
export class PictureCache {
  readonly #parts: PictureCacheParts;
  readonly #features: FeatureCache;
  readonly #models: { readonly language: string; readonly vision: string };

  private constructor(parts: PictureCacheParts, models: { language: string; vision: string }) {
    const { features: directory, provider, maxBytes } = parts;
    this.#parts = parts;
    this.#models = models;
    this.#features = new FeatureCache({
      directory,
      model: models.vision,
      runtime: provider,
      maxBytes: cacheBounds(maxBytes).features,
    });
  }

  /** @returns undefined where the manifest does not say which weights the model has: nothing may be kept for it then */
  static open(parts: PictureCacheParts): PictureCache | undefined {
    const [language, vision] = [languageKey(parts.manifest), visionKey(parts.manifest)];
    if (language === undefined || vision === undefined) return undefined;
    return new PictureCache(parts, { language, vision });
  }

  /** @returns the features of a picture that was seen before, under its key, or the key alone */
  async find(picture: PreparedPicture): Promise<{ readonly key: string; readonly crops?: EncodedCrops }> {
    const key = picture.digest;
    const crops = await this.#features.read(key);
    return crops === undefined ? { key } : { key, crops };
  }

  /**
   * Rounds features to what `find` would give back later, so that no answer depends on what was kept, and keeps them.
   * Resolves when what was kept before them is on the disk: no more than one picture waits in memory.
   */
  async keep(key: string, crops: EncodedCrops): Promise<void> {
    await this.#features.written;
    if (roundFeatures(crops)) void this.#features.write(key, crops);
  }

  /** The cache of prefixes. @param runtime llama.cpp's release and backend */
  prefixes(runtime: string): PrefixCache {
    const { prefixes: directory, provider: encoder, maxBytes } = this.#parts;
    return new PrefixCache({
      directory,
      ...this.#models,
      runtime,
      encoder,
      rounded: true,
      beginning: SYSTEM_TEXT,
      maxBytes: cacheBounds(maxBytes).prefixes,
    });
  }

  /** Whether new prefixes are worth keeping. */
  get keepsPrefixes(): boolean {
    return this.#parts.pictures <= MOST_PICTURES_WITH_PREFIXES;
  }

  /** Resolves when everything is on the disk, or has failed to get there. */
  get written(): Promise<void> {
    return this.#features.written;
  }
}
