import type { Job, JobSource } from "../pipeline/job.ts";
import type { Outcome } from "../pipeline/outcome.ts";
import type { Terminal } from "./terminal.ts";
import { oneLine } from "./text.ts";

/** A question in a message is there to be recognised, not to be read whole. */
const SHOWN_CHARACTERS = 60;

/** What a run is about, as far as messages name it. */
export interface RemarksOptions {
  readonly terminal: Pick<Terminal, "error" | "warning" | "status">;
  /** Asked about every picture. */
  readonly questions: readonly string[];
  /** For one picture, in milliseconds. @default none */
  readonly timeoutMs?: number | undefined;
}

/** What a person is told about the outcomes beside the answers. */
export class Remarks {
  readonly #options: RemarksOptions;
  #lastError: Error | undefined;
  /** labels of the pictures that are under way, by their place among all */
  readonly #underWay = new Map<number, string>();
  #total: () => number | undefined = () => undefined;

  constructor(options: RemarksOptions) {
    this.#options = options;
  }

  /** The same jobs, whose pictures can then be named: the first one is as soon as it is taken. */
  async *follow(jobs: JobSource): AsyncGenerator<Job, void, void> {
    this.#total = () => jobs.total;
    let index = 0;
    for await (const job of jobs) {
      this.#underWay.set(index, job.label);
      if (index++ === 0) this.working(0);
      yield job;
    }
  }

  /** Shows whose answers come next. @param done how many outcomes there are so far */
  working(done: number): void {
    const { terminal, questions } = this.#options;
    const [index, asked] = [Math.floor(done / questions.length), done % questions.length];
    this.#underWay.delete(index - 1);
    const picture = this.#underWay.get(index);
    if (picture === undefined) return;
    const total = this.#total();
    const number = total === undefined ? `picture ${index + 1}` : `${index + 1} of ${total}`;
    const places = [
      ...(total === 1 ? [] : [number]),
      ...(questions.length > 1 ? [`question ${asked + 1} of ${questions.length}`] : []),
    ];
    terminal.status(`looking at ${picture}${places.length > 0 ? ` (${places.join(", ")})` : ""}`);
  }

  /** Says why there is no answer, once for what several questions failed of, or why it is not whole. */
  explain(outcome: Outcome): void {
    const { terminal, timeoutMs = 0 } = this.#options;
    const { image } = outcome.record;
    if ("error" in outcome) {
      const { error, failed } = outcome;
      if (error === this.#lastError) return;
      this.#lastError = error;
      const subject = failed === "picture" ? image : this.subject(outcome);
      const whole = subject === image && error.message.includes(image);
      terminal.error(whole ? error.message : `${subject}: ${error.message}`, error.hint);
    } else if (outcome.record.finish === "timeout") {
      terminal.warning(`${this.subject(outcome)}: the answer was cut off after ${timeoutMs / 1000} s`);
    } else if (outcome.record.finish === "length") {
      const { answer } = outcome.record.tokens;
      terminal.warning(`${this.subject(outcome)}: the answer was cut off after ${answer} tokens`);
    }
  }

  /** What messages call an outcome: its picture, and its question where there are several. */
  subject({ record: { image, question } }: Outcome): string {
    if (this.#options.questions.length === 1) return image;
    const characters = Array.from(oneLine(question));
    const shown = characters.slice(0, SHOWN_CHARACTERS).join("");
    return `${image}: ${shown}${characters.length > SHOWN_CHARACTERS ? "…" : ""}`;
  }
}
