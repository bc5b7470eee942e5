import { setTimeout } from "node:timers/promises";
import type { Job, JobSource, QuestionsForm } from "../job.ts";

/** A list that is there gives its first names in less, and nobody notices that a pipe was waited for. In milliseconds. */
const LIST_PATIENCE_MS = 100;

/**
 * Jobs of which the first can be looked at before they are taken: whether there is one picture or many decides how a run
 * begins.
 */
export class PeekedJobs implements JobSource {
  readonly #source: JobSource;
  readonly #iterator: AsyncIterator<Job>;
  readonly #seen: Job[] = [];
  #count = 0;
  #ended = false;
  #failure: { readonly reason: unknown } | undefined;
  #pulling: Promise<void> | undefined;

  constructor(source: JobSource) {
    this.#source = source;
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** Known when the source knows it, or has been seen to its end. */
  get total(): number | undefined {
    return this.#source.total ?? (this.#ended ? this.#count : undefined);
  }

  get list(): boolean | undefined {
    return this.#source.list;
  }

  get form(): QuestionsForm | undefined {
    return this.#source.form;
  }

  /**
   * Waits until the next `count` jobs are there, or all that are left; of a list that somebody may still be writing, no
   * longer than nobody notices. A source that fails tells whoever takes the jobs.
   * @returns them; they are still to be taken
   */
  async peek(count: number): Promise<readonly Job[]> {
    const end = new AbortController();
    const late = this.list === true ? [waited(LIST_PATIENCE_MS, end.signal)] : [];
    let waiting = true;
    while (waiting && this.#seen.length < count && !this.#ended) {
      waiting = await Promise.race([this.#pull().then(() => true), ...late]);
    }
    end.abort();
    return this.#seen.slice(0, count);
  }

  close(): void {
    this.#source.close?.();
  }

  /** Takes the jobs, those that were looked at first. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Job, void, void> {
    try {
      for (;;) {
        const job = this.#seen.shift();
        if (job !== undefined) yield job;
        else if (!this.#ended) await this.#pull();
        else if (this.#failure === undefined) return;
        else throw this.#failure.reason;
      }
    } finally {
      const closing = this.#ended ? undefined : this.#iterator.return?.();
      // a source that is being waited for ends when it comes back, if ever
      if (this.#pulling === undefined) await closing;
      else closing?.catch(() => {});
    }
  }

  async #pull(): Promise<void> {
    this.#pulling ??= this.#next().finally(() => (this.#pulling = undefined));
    await this.#pulling;
  }

  async #next(): Promise<void> {
    try {
      const { done, value } = await this.#iterator.next();
      if (done === true) {
        this.#ended = true;
      } else {
        this.#seen.push(value);
        this.#count++;
      }
    } catch (reason) {
      this.#ended = true;
      this.#failure = { reason };
    }
  }
}

/** @returns false, so many milliseconds later, or once aborted */
async function waited(ms: number, signal: AbortSignal): Promise<false> {
  await setTimeout(ms, undefined, { signal }).catch(() => {});
  return false;
}
