import { asFlashSlothError } from "../core/errors.ts";
import type { Job, JobSource, Question, QuestionsForm } from "./job.ts";
import type { Contents } from "./resume/content.ts";
import type { Ledger } from "./resume/ledger.ts";
import type { Sidecars } from "./sidecars.ts";

export interface UnansweredOptions {
  readonly jobs: JobSource;
  readonly contents: Contents;
  /** What earlier runs wrote into the output. @default nothing there counts */
  readonly ledger?: Ledger | undefined;
  /** Where answers lie beside their pictures. @default they do not */
  readonly sidecars?: Sidecars | undefined;
  /** Told of a job of which so many questions are left out. */
  readonly onSkipped: (skipped: { readonly questions: number; readonly whole: boolean }) => void;
}

/** The jobs without what was answered before; where answers go to several places, they must be in all of them. */
export class Unanswered implements JobSource {
  readonly #options: UnansweredOptions;

  constructor(options: UnansweredOptions) {
    this.#options = options;
  }

  get total(): number | undefined {
    return this.#options.jobs.total;
  }

  get list(): boolean | undefined {
    return this.#options.jobs.list;
  }

  get form(): QuestionsForm | undefined {
    return this.#options.jobs.form;
  }

  close(): void {
    this.#options.jobs.close?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Job, void, void> {
    for await (const job of this.#options.jobs) {
      const left = await this.#left(job);
      if (left !== undefined) yield left;
    }
  }

  /** What is left of a job. */
  async #left(job: Job): Promise<Job | undefined> {
    const { contents, ledger, sidecars, onSkipped } = this.#options;
    let beside: boolean;
    try {
      beside = (await sidecars?.has(job)) ?? true;
    } catch (error) {
      const { id, label, questions } = job;
      return { id, label, questions, error: asFlashSlothError(error, "disk", label) };
    }
    if ("error" in job || !beside) return job;
    const questions: Question[] = [];
    for (const question of job.questions) {
      const done = (await ledger?.take(job, question, contents.of(job))) ?? true;
      if (!done) questions.push(question);
    }
    const skipped = job.questions.length - questions.length;
    if (skipped === 0) return job;
    onSkipped({ questions: skipped, whole: questions.length === 0 });
    if (questions.length === 0) return undefined;
    const rest = { ...job, questions };
    contents.share(job, rest);
    return rest;
  }
}
