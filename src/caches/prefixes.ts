import { cacheBounds, KEPT_FREE_BYTES } from "./bounds.ts";
import { DiskCache } from "./disk-cache.ts";
import type { CacheKey } from "./entries.ts";

/** Raised when the same key would no longer stand for the same state. */
const FORMAT = 1;

export interface PrefixCacheOptions {
  readonly directory: string;
  /** what `languageKey` made of the model */
  readonly language: string;
  /** what `visionKey` made of the model */
  readonly vision: string;
  /** llama.cpp's release and backend, and the KV cache's type: none need understand another's state */
  readonly runtime: string;
  /** What computes the picture's features, as far as it changes values: onnxruntime's release and provider. */
  readonly encoder: string;
  /** Whether the features were rounded to float16 before the language model saw them. */
  readonly rounded: boolean;
  /** the text in front of the picture */
  readonly beginning: string;
  /** @default what `cacheBounds` gives: some thirty pictures with one crop */
  readonly maxBytes?: number | undefined;
}

/**
 * The KV cache of the prompt up to a picture's end (26 MB a crop at full size, and 10 MB for its beginning), so that another
 * question about the picture of a minute ago costs a new process neither its vision nor its prefill.
 */
export class PrefixCache {
  readonly #options: PrefixCacheOptions;
  readonly #cache: DiskCache;

  constructor(options: PrefixCacheOptions) {
    const { directory, maxBytes = cacheBounds().prefixes } = options;
    this.#options = options;
    this.#cache = new DiskCache({ directory, maxBytes, keepFree: KEPT_FREE_BYTES, secret: true });
  }

  /** Resolves when all that was handed to `write` is on the disk, or has failed to get there. */
  get written(): Promise<void> {
    return this.#cache.written;
  }

  /**
   * @param picture its `PreparedPicture.digest`
   * @returns what was written; undefined where nothing sound is kept
   */
  async read(picture: string): Promise<Uint8Array | undefined> {
    return await this.#cache.read(this.#key(picture));
  }

  /** Keeps `state`, which must not change until this resolves: when it is on the disk, or has failed to get there. */
  async write(picture: string, state: Uint8Array): Promise<void> {
    await this.#cache.write(this.#key(picture), [state]);
  }

  #key(picture: string): CacheKey {
    const { language, vision, runtime, encoder, rounded, beginning } = this.#options;
    const parts = ["prefix", FORMAT, vision, runtime, encoder, rounded, beginning, picture];
    return { model: language, parts };
  }
}
