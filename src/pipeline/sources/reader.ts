import type { Job } from "../job.ts";

/** Takes jobs from their source, one at a time. */
export class JobReader {
  readonly #jobs: AsyncIterator<Job>;
  #waiting = false;
  #ended = false;
  #failure: { readonly reason: unknown } | undefined;

  constructor(jobs: AsyncIterable<Job>) {
    this.#jobs = jobs[Symbol.asyncIterator]();
  }

  /** Whether there are no more jobs. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Why there are no more, where the source failed. */
  get failure(): { readonly reason: unknown } | undefined {
    return this.#failure;
  }

  /** @returns undefined when there are no more */
  async next(): Promise<Job | undefined> {
    this.#waiting = true;
    try {
      const { done, value } = await this.#jobs.next();
      if (done !== true) return value;
    } catch (reason) {
      this.#failure = { reason };
    } finally {
      this.#waiting = false;
    }
    this.#ended = true;
    return undefined;
  }

  /** Lets the source go. One that is just being waited for hears of it when it comes back, if ever. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const closing = this.#jobs.return?.().catch(() => {});
    if (!this.#waiting) await closing;
  }
}
