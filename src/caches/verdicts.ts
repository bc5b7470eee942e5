import * as v from "valibot";
import { referenceSchema, type Reference } from "../core/model/reference.ts";
import { DiskCache } from "./disk-cache.ts";
import type { CacheKey } from "./entries.ts";

/** What came of a device's trial. */
export interface Verdict {
  /** `wrong`: it computes something else than the CPU; `unusable`: it computes nothing */
  readonly verdict: "sound" | "wrong" | "unusable";
  /** what is wrong, in words that follow the device's name; empty for a sound one */
  readonly reason: string;
  /** when it was tried: milliseconds since 1970 */
  readonly at: number;
}

/** What a verdict is about: whatever changes makes it another one. */
export interface VerdictKey {
  /** stands for the weights */
  readonly model: string;
  readonly side: "vision" | "language";
  readonly device: string;
  /** releases of the packages that compute, and what stands for the drivers */
  readonly releases: readonly string[];
  readonly drivers: readonly string[];
}

/** Whose numbers a reference holds. */
export interface ReferenceKey {
  /** stand for the weights */
  readonly language: string;
  readonly vision: string;
  readonly version: number;
}

const verdictSchema: v.GenericSchema<unknown, Verdict> = v.object({
  verdict: v.picklist(["sound", "wrong", "unusable"]),
  reason: v.string(),
  at: v.number(),
});

/** A verdict takes 200 bytes, a model's own numbers 8 kB. */
const MAX_BYTES = 4 * 2 ** 20;

/** Verdicts on devices, and what models compute on the CPU, from one run to the next. */
export class VerdictCache {
  readonly #cache: DiskCache;

  constructor(directory: string) {
    this.#cache = new DiskCache({ directory, maxBytes: MAX_BYTES });
  }

  async read(key: VerdictKey): Promise<Verdict | undefined> {
    return await this.#read(verdictEntry(key), verdictSchema);
  }

  async write(key: VerdictKey, verdict: Verdict): Promise<void> {
    await this.#write(verdictEntry(key), verdict);
  }

  /** What a model computes on the CPU, where its folder does not say. */
  async readReference(key: ReferenceKey): Promise<Reference | undefined> {
    return await this.#read(referenceEntry(key), referenceSchema);
  }

  async writeReference(key: ReferenceKey, reference: Reference): Promise<void> {
    await this.#write(referenceEntry(key), reference);
  }

  async #read<T>(key: CacheKey, schema: v.GenericSchema<unknown, T>): Promise<T | undefined> {
    const bytes = await this.#cache.read(key);
    if (bytes === undefined) return undefined;
    try {
      return v.parse(schema, JSON.parse(new TextDecoder().decode(bytes)));
    } catch {
      return undefined; // of another release
    }
  }

  async #write(key: CacheKey, value: Verdict | Reference): Promise<void> {
    await this.#cache.write(key, [new TextEncoder().encode(JSON.stringify(value))]);
  }
}

function verdictEntry({ model, side, device, releases, drivers }: VerdictKey): CacheKey {
  return { model, parts: ["verdict", side, device, ...releases, ...drivers] };
}

function referenceEntry({ language, vision, version }: ReferenceKey): CacheKey {
  return { model: language, parts: ["reference", vision, version] };
}
