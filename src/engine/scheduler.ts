import { setImmediate } from "node:timers/promises";
import { asFlashSlothError, FlashSlothError } from "../core/errors.ts";
import type { Answer } from "./api.ts";
import { planBatch, tapOf, type OwnedRun } from "./batch.ts";
import type { RowTile } from "./capacity.ts";
import type { PlannedRun } from "./continuation.ts";
import { agreement, type KvCache } from "./kv-cache.ts";
import type { Sequence } from "./sequence.ts";

/** A sequence whose batch failed is tried again by itself; when that fails so often, it is given up. */
const MOST_FAILURES = 2;
/** Positions that are worth waiting for until another sequence has computed them. */
const WORTH_WAITING = 8;
/** Cells that a sequence should find free for its answer when it enters. */
const ROOM_TO_GROW = 32;

export interface SchedulerOptions {
  readonly cache: KvCache;
  /** most sequences at work at once */
  readonly parallel: number;
  /** most rows in a batch, and most whose logits are wanted */
  readonly batchRows: number;
  readonly outputs: number;
  /** in which the device computes rows. @default none */
  readonly tile?: RowTile | undefined;
  /**
   * Sees to it that the cache holds what every prompt begins with; called before the first sequence enters.
   * @returns how many positions were computed for that
   */
  readonly begin: () => Promise<number>;
}

/** What the scheduler has done so far. */
export interface SchedulerCounters {
  readonly prefixPrefills: number;
  readonly questions: number;
  /** graphs computed, and the rows in them */
  readonly batches: number;
  readonly rows: number;
  /** times a sequence lost its place, for want of room or because a batch failed */
  readonly restarts: number;
}

/**
 * The one owner of the decode loop. Each question is a sequence; what is ready is decoded in one batch, what becomes ready
 * joins the next, and a finished sequence is replaced at once. Messages are let in between two batches.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  #waiting: Sequence[] = [];
  #active: Sequence[] = [];
  #running: Promise<void> | undefined;
  #begun = false;
  #disposed = false;
  #counters = { prefixPrefills: 0, questions: 0, batches: 0, rows: 0, restarts: 0 };

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  get counters(): SchedulerCounters {
    return { ...this.#counters };
  }

  /** Answers a question when its turn comes. */
  async ask(sequence: Sequence): Promise<Answer> {
    if (this.#disposed) {
      sequence.settle(stopped());
    } else {
      this.#waiting.push(sequence);
      this.#running ??= this.#run().finally(() => (this.#running = undefined));
    }
    return await sequence.answer;
  }

  /** Forgets what the cache holds of a picture, as soon as no question needs it. */
  release(picture: number): void {
    this.#options.cache.forget(picture);
    for (const sequence of [...this.#waiting, ...this.#active]) {
      if (sequence.options.picture === picture) sequence.leavesNothing = true;
    }
  }

  /** Rejects every question that is not answered yet, and returns when the batch in hand is done. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      // questions that come in the same moment share the first batch
      await setImmediate();
      while (this.#waiting.length + this.#active.length > 0) {
        if (this.#disposed) throw stopped();
        const since = performance.now();
        this.#endStopped(since);
        const computed = this.#needsBeginning() ? await this.#begin() : 0;
        this.#admit(since, computed);
        if (this.#active.length > 0) this.#step();
        else this.#makeWay();
        this.#retire();
        await setImmediate();
      }
    } catch (error) {
      for (const sequence of [...this.#waiting, ...this.#active]) {
        sequence.leave(this.#options.cache);
        sequence.settle(error);
      }
      this.#waiting = [];
      this.#active = [];
    }
  }

  /** Whether something waits for which nothing in the cache begins as every prompt does. */
  #needsBeginning(): boolean {
    if (this.#begun) return false;
    return this.#waiting.some(({ options: { prompt } }) => {
      return (this.#options.cache.longest(prompt.keys)?.length ?? 0) < prompt.beginning;
    });
  }

  async #begin(): Promise<number> {
    const computed = await this.#options.begin();
    this.#begun = true;
    return computed;
  }

  #endStopped(now: number): void {
    for (const sequence of [...this.#waiting, ...this.#active]) sequence.stopIfAsked(now);
    this.#retire();
  }

  /** Settles what has ended. */
  #retire(): void {
    for (const sequence of [...this.#active, ...this.#waiting]) {
      if (!sequence.ended) continue;
      if (sequence.computedPicture) this.#counters.prefixPrefills++;
      this.#counters.questions++;
      sequence.leaveBehind(this.#options.cache);
      sequence.settle();
    }
    this.#active = this.#active.filter(({ ended }) => !ended);
    this.#waiting = this.#waiting.filter(({ ended }) => !ended);
  }

  /** @param computed positions of the beginning that were computed just now, for whoever enters first */
  #admit(since: number, computed: number): void {
    const { cache, parallel } = this.#options;
    let charged = computed;
    const staying: Sequence[] = [];
    for (const sequence of this.#waiting) {
      const { prompt } = sequence.options;
      const held = cache.longest(prompt.keys);
      const reused = prompt.reusable(held?.length ?? 0);
      const coming = Math.max(
        0,
        ...this.#active.map((other) => agreement(other.options.prompt.keys, prompt.keys)),
      );
      const room = this.#active.length < parallel && prompt.reusable(coming) < reused + WORTH_WAITING;
      const fits = room && cache.makeRoom(this.#needed(sequence.total - reused), held?.sequence);
      const number = fits ? cache.open({ but: held?.sequence }) : undefined;
      if (number === undefined) {
        staying.push(sequence);
        continue;
      }
      if (held !== undefined && reused > 0) cache.share({ sequence: held.sequence, length: reused }, number);
      sequence.enter(number, { reused, charged, since });
      charged = 0;
      this.#active.push(sequence);
    }
    this.#waiting = staying;
  }

  /** Cells that are spoken for when a sequence of so many rows enters: what all have left to compute, and room to grow. */
  #needed(rows: number): number {
    if (this.#active.length === 0) return rows;
    const left = this.#active.reduce((sum, sequence) => sum + sequence.left(this.#options.cache), rows);
    return left + (this.#active.length + 1) * ROOM_TO_GROW;
  }

  /** Decodes one batch of what is ready: one row of everything that generates, then what prompts have left. */
  #step(): void {
    const { cache, batchRows, outputs, tile } = this.#options;
    const planned = planBatch(this.#active, cache, { rows: batchRows, outputs, tile });
    if (planned.length === 0) throw new FlashSlothError("internal", "no sequence can go on");
    const runs = planned.map(({ run }) => run);
    const rows = runs.reduce((sum, { keys }) => sum + keys.length, 0);
    let fits: boolean;
    try {
      fits =
        cache.makeRoom(rows) &&
        cache.decode(
          { runs, tap: tapOf(planned) },
          runs.map(({ keys }) => keys),
        );
    } catch (error) {
      this.#recover(planned, error);
      return;
    }
    if (!fits) {
      this.#giveWay();
      return;
    }
    this.#counters.batches++;
    this.#counters.rows += rows;
    let first = 0;
    for (const { owner, run } of planned) {
      if (owner.failure === undefined) this.#took(owner, run, first);
      first += run.keys.length;
    }
    const failed = new Set(planned.map(({ owner }) => owner).filter(({ failure }) => failure !== undefined));
    for (const owner of failed) this.#fail(owner, owner.failure);
  }

  #took(owner: Sequence, run: PlannedRun, first: number): void {
    owner.suspected = false;
    owner.failures = 0;
    try {
      run.computed(first);
    } catch (error) {
      owner.failure = error;
    }
  }

  /** Nobody could enter although nobody is at work: what is kept for later is in the way. */
  #makeWay(): void {
    const [first] = this.#waiting;
    if (first === undefined || this.#options.cache.evict()) return;
    this.#waiting = this.#waiting.slice(1);
    first.settle(cacheTooSmall());
  }

  /** A failed batch costs its sequences what they had in the cache: they begin again, one that fails alone a few times only. */
  #recover(planned: readonly OwnedRun[], error: unknown): void {
    const owners = new Set(planned.map(({ owner }) => owner));
    for (const owner of owners) {
      if (owners.size === 1) owner.failures++;
      owner.suspected = true;
      if (owner.failures > MOST_FAILURES) this.#fail(owner, error);
      else this.#restart(owner);
    }
  }

  /**
   * The youngest of several sequences gives its place up. One alone begins again once: it may hold cells of its own for a
   * beginning that is pinned too, after its picture's prefix was read from the disk. Then it has reached the end of the cache.
   */
  #giveWay(): void {
    const youngest = this.#active.at(-1);
    if (youngest === undefined) return;
    if (this.#active.length > 1) this.#restart(youngest);
    else if (youngest.cramped) this.#fail(youngest, cacheTooSmall());
    else {
      youngest.cramped = true;
      this.#restart(youngest);
    }
  }

  #restart(sequence: Sequence): void {
    this.#counters.restarts++;
    sequence.leave(this.#options.cache);
    this.#active = this.#active.filter((other) => other !== sequence);
    this.#waiting.unshift(sequence);
  }

  #fail(sequence: Sequence, error: unknown): void {
    sequence.leave(this.#options.cache);
    this.#active = this.#active.filter((other) => other !== sequence);
    sequence.settle(asFlashSlothError(error, "internal", "a question could not be answered"));
  }
}

function cacheTooSmall(): FlashSlothError {
  return new FlashSlothError("internal", "the KV cache has no room for this question");
}

function stopped(): FlashSlothError {
  return new FlashSlothError("interrupted", "the engine was disposed before this was answered");
}
