import type { Job, JobSource } from "../../pipeline/job.ts";
import type { Outcome } from "../../pipeline/outcome.ts";
import { showRate } from "./counts.ts";
import { barOf, showTimeLeft } from "../terminal/progress.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** Where nothing can be animated, a line this often says how far the run is. */
const LINE_EVERY_MS = 30_000;
/** A rate of fewer pictures is mostly chance. */
const RATED_PICTURES = 2;

export interface RunProgressOptions {
  readonly terminal: Pick<Terminal, "status" | "step">;
  /** How many of the pictures need not be looked at. @default none */
  readonly skipped?: (() => number) | undefined;
  /** Milliseconds of a monotonic clock. @default performance.now */
  readonly now?: (() => number) | undefined;
}

/** A picture that is under way, and its questions that have no outcome yet. */
interface UnderWay {
  readonly label: string;
  readonly questions: number;
  left: number;
}

/** Shows how far a run over pictures is: a bar on a terminal, a line now and then elsewhere. */
export class RunProgress {
  readonly #terminal: RunProgressOptions["terminal"];
  readonly #skipped: () => number;
  readonly #now: () => number;
  readonly #underWay = new Map<Job, UnderWay>();
  #total: () => number | undefined = () => undefined;
  #through = 0;
  #failed = 0;
  /** when the first picture could be looked at */
  #since: number;
  #lastLine: number;

  constructor(options: RunProgressOptions) {
    const { terminal, skipped = (): number => 0, now = (): number => performance.now() } = options;
    this.#terminal = terminal;
    this.#skipped = skipped;
    this.#now = now;
    this.#since = now();
    this.#lastLine = this.#since;
  }

  /** pictures of which every question has its outcome */
  get through(): number {
    return this.#through;
  }

  /** The same jobs, whose pictures can then be named: the first one is as soon as it is taken. */
  async *follow(jobs: JobSource): AsyncGenerator<Job, void, void> {
    this.#total = () => jobs.total;
    let first = true;
    for await (const job of jobs) {
      const { label, questions } = job;
      const asked = questions.length;
      if (asked > 0) this.#underWay.set(job, { label, questions: asked, left: asked });
      if (first) this.show();
      first = false;
      yield job;
    }
  }

  /** The models are there: from now on time is spent on pictures. */
  begin(): void {
    this.#since = this.#now();
  }

  /** An outcome was written. */
  took(outcome: Outcome): void {
    if ("error" in outcome) this.#failed++;
    const picture = this.#underWay.get(outcome.job);
    if (picture === undefined) return;
    if (--picture.left > 0) return;
    this.#underWay.delete(outcome.job);
    this.#through++;
  }

  /** Shows whose answers come next, and how far that is. */
  show(): void {
    const now = this.#now();
    const [next] = this.#underWay.values();
    const total = this.#total();
    if (total === 1) {
      if (next !== undefined) this.#terminal.status(`looking at ${next.label}${questionOf(next)}`);
      return;
    }
    const figures = this.#figures(total, now);
    const name = next === undefined ? "" : `: ${next.label}${questionOf(next)}`;
    const bar = total === undefined || total === 0 ? "" : `${barOf(Math.min(1, this.#done / total))} `;
    this.#terminal.status(`${bar}${figures}${name}`);
    if (now - this.#lastLine < LINE_EVERY_MS) return;
    this.#lastLine = now;
    this.#terminal.step(figures);
  }

  get #done(): number {
    return this.#through + this.#skipped();
  }

  /** `25 of 200, 3.1 pictures/s, 57 s left, 2 failed` */
  #figures(total: number | undefined, now: number): string {
    const count = total === undefined ? `${this.#done} done` : `${this.#done} of ${total}`;
    const rate = this.#through / ((now - this.#since) / 1000);
    const rated = this.#through >= RATED_PICTURES && Number.isFinite(rate);
    const left = total === undefined ? 0 : total - this.#done;
    return [
      count,
      ...(rated ? [`${showRate(rate)} pictures/s`] : []),
      ...(rated && left > 0 ? [showTimeLeft(left / rate)] : []),
      ...(this.#failed > 0 ? [`${this.#failed} failed`] : []),
    ].join(", ");
  }
}

/** ` (question 1 of 2)` where there are several */
function questionOf({ questions, left }: UnderWay): string {
  return questions > 1 ? ` (question ${questions - left + 1} of ${questions})` : "";
}
