import type { PrefixCache } from "../caches/prefixes.ts";
import type { KvCache } from "./kv-cache.ts";
import type { Prompt } from "./prompt.ts";

export interface PrefixStoreOptions {
  readonly cache: Pick<PrefixCache, "read" | "write" | "written">;
  /** whether new prefixes are kept, or only old ones used */
  readonly writes: boolean;
  readonly kv: KvCache;
}

/** Brings pictures' prefixes from the disk into the KV cache, and there from the KV cache. */
export class PrefixStore {
  readonly #options: PrefixStoreOptions;
  /** pictures that were looked for on the disk, by the engine's numbers */
  readonly #looked = new Map<number, Promise<void>>();
  readonly #onDisk = new Set<string>();
  #read = 0;

  constructor(options: PrefixStoreOptions) {
    this.#options = options;
  }

  /** prefixes that were read from the disk */
  get read(): number {
    return this.#read;
  }

  /** Sees to it that the KV cache holds the prefix of a prompt if it is on the disk. @param key of the picture `id` */
  async recall(id: number, prompt: Prompt, key: string): Promise<void> {
    const { kv } = this.#options;
    const looked = this.#looked.get(id);
    if (looked !== undefined && !this.#onDisk.has(key)) return await looked;
    if ((kv.longest(prompt.keys)?.length ?? 0) >= prompt.prefix) return;
    const looking = this.#recall(prompt, key);
    this.#looked.set(id, looking);
    await looking;
  }

  /** Keeps the prefix of a prompt that is in the KV cache, unless it is on the disk already. */
  remember(prompt: Prompt, key: string): void {
    const { cache, writes, kv } = this.#options;
    if (!writes || this.#onDisk.has(key)) return;
    const held = kv.longest(prompt.keys.subarray(0, prompt.prefix));
    if (held === undefined || held.length < prompt.prefix) return;
    const alone = kv.open({ but: held.sequence });
    if (alone === undefined) return;
    kv.share(held, alone);
    this.#onDisk.add(key);
    void cache.write(key, kv.save(alone));
    kv.close(alone);
  }

  /** Forgets that a picture was looked for. */
  release(id: number): void {
    this.#looked.delete(id);
  }

  /** Resolves when everything is on the disk, or has failed to get there. */
  get written(): Promise<void> {
    return this.#options.cache.written;
  }

  async #recall(prompt: Prompt, key: string): Promise<void> {
    const { cache, kv } = this.#options;
    const state = await cache.read(key);
    if (state === undefined || !kv.makeRoom(prompt.prefix)) return;
    const sequence = kv.open();
    if (sequence === undefined) return;
    if (!kv.restore(sequence, state, prompt.keys.slice(0, prompt.prefix))) {
      kv.close(sequence);
      return;
    }
    kv.rest(sequence);
    this.#onDisk.add(key);
    this.#read++;
  }
}
