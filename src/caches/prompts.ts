import { PROMPTS_MAX_BYTES } from "./bounds.ts";
import { DiskCache } from "./disk-cache.ts";
import type { CacheKey } from "./entries.ts";

export interface PromptCacheOptions {
  readonly directory: string;
  /** what `languageKey` made of the model */
  readonly model: string;
  /** llama.cpp's release and backend: neither need understand the other's state */
  readonly runtime: string;
  /** the text that every prompt begins with */
  readonly beginning: string;
}

/**
 * The KV cache of the prompt's beginning (32 positions, 10 MB at full size) on the disk, so that a new process need not compute
 * what every prompt of a model begins with.
 */
export class PromptCache {
  readonly #cache: DiskCache;
  readonly #key: CacheKey;

  constructor({ directory, model, runtime, beginning }: PromptCacheOptions) {
    this.#cache = new DiskCache({ directory, maxBytes: PROMPTS_MAX_BYTES });
    this.#key = { model, parts: ["prompt", runtime, beginning] };
  }

  /** Resolves when what was handed to `write` is on the disk, or has failed to get there. */
  get written(): Promise<void> {
    return this.#cache.written;
  }

  /** What was kept; undefined where nothing usable is. */
  async read(): Promise<Uint8Array | undefined> {
    return await this.#cache.read(this.#key);
  }

  /** Begins to write and returns. */
  write(state: Uint8Array): void {
    void this.#cache.write(this.#key, [state]);
  }
}
