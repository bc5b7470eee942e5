import { FlashSlothError } from "../core/errors.ts";
import type { DecodeOptions, NativeContext } from "../language/ffi/context.ts";
import { CellCount } from "./cells.ts";
import { pictureKey } from "./prompt.ts";

/** The part of a llama.cpp context that holds sequences; tests put others in its place. */
export type SequenceStore = Pick<
  NativeContext,
  "cells" | "sequences" | "length" | "truncate" | "share" | "save" | "restore" | "decode"
>;

/** What positions hold, as in `Prompt.keys`. */
export type Keys = Int32Array | readonly number[];

/** What a sequence holds. */
interface Holding {
  readonly sequence: number;
  /** one a position, as in `Prompt.keys` */
  readonly keys: number[];
  /** nobody works on it: it is there to be shared, and may be let go */
  idle: boolean;
  /** never let go */
  readonly pinned: boolean;
  /** brought for somebody who has not begun with it yet */
  awaited: boolean;
  lastUsed: number;
}

export interface KvCacheOptions {
  /**
   * Idle sequences that are kept, beside pinned ones and those that were brought for somebody. Every batch's attention reads the
   * cells up to the last one in use, whoever holds them: what is kept and never asked for again slows all others down.
   * @default as many as find room
   */
  readonly mostIdle?: number | undefined;
}

export interface OpenOptions {
  /** Never to be let go. @default false */
  readonly pinned?: boolean | undefined;
  /** A sequence that must not be let go for it. @default any may */
  readonly but?: number | undefined;
}

/** A beginning that the cache holds. */
export interface Beginning {
  readonly sequence: number;
  /** positions that agree */
  readonly length: number;
}

/**
 * The one KV cache and who holds what in it: sequences at work, and idle ones that are kept because later prompts begin as
 * they do (the beginning of every prompt, a picture's prefix, an earlier turn). The idle ones go, the least recently used
 * first, when room is needed.
 */
export class KvCache {
  readonly #store: SequenceStore;
  readonly #cells = new CellCount();
  readonly #holdings = new Map<number, Holding>();
  readonly #mostIdle: number;
  #clock = 0;

  constructor(store: SequenceStore, { mostIdle = Number.POSITIVE_INFINITY }: KvCacheOptions = {}) {
    this.#store = store;
    this.#mostIdle = mostIdle;
  }

  /** Cells that could be had at once, without letting go of anything. */
  get free(): number {
    return this.#store.cells - this.#cells.used;
  }

  /** positions of a sequence */
  length(sequence: number): number {
    return this.#holdings.get(sequence)?.keys.length ?? 0;
  }

  /** The number of a sequence that nobody uses, if need be by letting an idle one go; it is then at work and empty. */
  open({ pinned = false, but }: OpenOptions = {}): number | undefined {
    for (let sequence = 0; sequence < this.#store.sequences; sequence++) {
      if (this.#holdings.has(sequence)) continue;
      this.#holdings.set(sequence, {
        sequence,
        keys: [],
        idle: false,
        pinned,
        awaited: false,
        lastUsed: ++this.#clock,
      });
      return sequence;
    }
    return this.evict(but) ? this.open({ pinned, but }) : undefined;
  }

  /** The holding that agrees longest with a prompt from its first position on, and how far. */
  longest(keys: Keys): Beginning | undefined {
    let best: Beginning | undefined;
    for (const holding of this.#holdings.values()) {
      const length = agreement(holding.keys, keys);
      if (length > (best?.length ?? 0)) best = { sequence: holding.sequence, length };
    }
    return best;
  }

  /** Lets an empty sequence begin as another one does. */
  share({ sequence: from, length }: Beginning, to: number): void {
    const [source, target] = [this.#of(from), this.#of(to)];
    this.#store.share(from, to, length);
    this.#cells.share(from, to, length);
    for (let at = 0; at < length; at++) target.keys.push(source.keys[at] ?? 0);
    source.lastUsed = ++this.#clock;
    source.awaited = false;
  }

  /** Whether `count` more cells can be had; idle sequences other than `but` are let go for them. */
  makeRoom(count: number, but?: number): boolean {
    while (this.free < count) if (!this.evict(but)) return false;
    return true;
  }

  /** Lets go of the idle sequence that was used longest ago, other than `but`. @returns false when there is none */
  evict(but?: number): boolean {
    let oldest: Holding | undefined;
    for (const holding of this.#idle()) {
      if (holding.sequence === but) continue;
      if (oldest === undefined || holding.lastUsed < oldest.lastUsed) oldest = holding;
    }
    if (oldest === undefined) return false;
    this.close(oldest.sequence);
    return true;
  }

  /**
   * Computes rows and notes what their sequences hold then.
   * @param keys of the rows of each run
   * @returns false when there is no room; nothing has changed then
   * @throws as `NativeContext.decode`: the runs' sequences must then be emptied
   */
  decode(options: DecodeOptions, keys: readonly Keys[]): boolean {
    if (!this.#store.decode(options)) return false;
    for (const [index, { sequence }] of options.runs.entries()) {
      const holding = this.#of(sequence);
      const added = keys[index] ?? [];
      for (const key of added) holding.keys.push(key);
      this.#cells.extend(sequence, added.length);
    }
    return true;
  }

  /** Forgets a sequence's positions from `length` on. */
  truncate(sequence: number, length: number): void {
    const holding = this.#of(sequence);
    this.#store.truncate(sequence, length);
    this.#cells.truncate(sequence, length);
    holding.keys.length = Math.min(holding.keys.length, length);
  }

  /** Ends the work on a sequence and keeps all of it, for somebody who is about to begin with it. */
  rest(sequence: number): void {
    const holding = this.#of(sequence);
    holding.idle = true;
    holding.awaited = true;
  }

  /** Ends the work on a sequence and keeps its first `length` positions, unless another one holds them too. */
  keep(sequence: number, length: number): void {
    const holding = this.#of(sequence);
    const keys = holding.keys.slice(0, length);
    const held = [...this.#holdings.values()].some(
      (other) => other !== holding && agreement(other.keys, keys) === keys.length,
    );
    if (held || keys.length === 0) {
      this.close(sequence);
      return;
    }
    this.truncate(sequence, length);
    holding.idle = true;
    holding.lastUsed = ++this.#clock;
    // what it begins with needs no number of its own any more
    for (const other of this.#idle()) {
      const within = other !== holding && agreement(other.keys, keys) === other.keys.length;
      if (within) this.close(other.sequence);
    }
    this.#trim();
  }

  /** Lets go of a sequence and of its number. */
  close(sequence: number): void {
    this.truncate(sequence, 0);
    this.#holdings.delete(sequence);
  }

  /** Lets go of every idle sequence that holds something of a picture. */
  forget(picture: number): void {
    const key = pictureKey(picture);
    for (const { sequence, keys } of this.#idle()) if (keys.includes(key)) this.close(sequence);
  }

  /** A copy of what llama.cpp holds of a sequence. */
  save(sequence: number): Uint8Array {
    return this.#store.save(sequence);
  }

  /** Puts a saved state into an empty sequence. @returns false when it is not of these positions: it is empty then */
  restore(sequence: number, state: Uint8Array, keys: Keys): boolean {
    const holding = this.#of(sequence);
    if (!this.#store.restore(sequence, state)) return false;
    if (this.#store.length(sequence) !== keys.length) {
      this.#store.truncate(sequence, 0);
      return false;
    }
    this.#cells.extend(sequence, keys.length);
    for (const key of Array.from(keys)) holding.keys.push(key);
    return true;
  }

  /** Sequences that nobody works on and that may be let go. */
  #idle(): Holding[] {
    return [...this.#holdings.values()].filter(({ idle, pinned }) => idle && !pinned);
  }

  #trim(): void {
    const kept = this.#idle().filter(({ awaited }) => !awaited);
    kept.sort((a, b) => b.lastUsed - a.lastUsed);
    for (const { sequence } of kept.slice(this.#mostIdle)) this.close(sequence);
  }

  #of(sequence: number): Holding {
    const holding = this.#holdings.get(sequence);
    if (holding === undefined) throw new FlashSlothError("internal", `sequence ${sequence} is not open`);
    return holding;
  }
}

/** How many positions two sequences have in common, from the first on. */
export function agreement(a: Keys, b: Keys): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a[length] === b[length]) length++;
  return length;
}
