import { FlashSlothError } from "../../core/errors.ts";
import type { Format, Printer } from "../../pipeline/printers/printer.ts";
import { printerOf } from "../../pipeline/printers/printers.ts";
import { Contents } from "../../pipeline/resume/content.ts";
import type { Ledger } from "../../pipeline/resume/ledger.ts";
import type { Settings } from "../../pipeline/resume/settings.ts";
import { Stamps } from "../../pipeline/resume/stamps.ts";
import { takeOver } from "../../pipeline/resume/take-over.ts";
import { Sidecars } from "../../pipeline/sidecars.ts";
import { PeekedJobs } from "../../pipeline/sources/peeked.ts";
import { Unanswered } from "../../pipeline/unanswered.ts";
import { noWriter, rowWriter, streamWriter, type AnswerWriter } from "./writer.ts";
import type { AskRequest } from "../ask/request.ts";
import { Counts } from "../many/counts.ts";
import { FileOutput } from "./file-output.ts";
import type { Output } from "./output.ts";

export interface AnswersPlaceOptions {
  readonly request: AskRequest;
  readonly format: Format;
  readonly output: Output;
}

/** Where the answers of a run go, and what is there already. */
export class AnswersPlace {
  readonly counts: Counts = new Counts();
  readonly sidecars: Sidecars | undefined;
  /** pictures of which nothing is left to be asked */
  skippedPictures = 0;
  readonly #options: AnswersPlaceOptions;
  /** the output, where a later run can go on with it */
  readonly #file: FileOutput | undefined;
  readonly #contents = new Contents();

  /** @throws `usage` when the output cannot be gone on with, and shall be */
  constructor(options: AnswersPlaceOptions) {
    const { request, output } = options;
    const { sidecar: extension, force, resume } = request.answers;
    this.#options = options;
    this.sidecars = extension === undefined ? undefined : new Sidecars({ extension, force });
    this.#file = output instanceof FileOutput && output.regular ? output : undefined;
    if (resume && this.#file === undefined) {
      throw new FlashSlothError("usage", "--resume needs a file: a pipe or a device cannot be gone on with");
    }
  }

  /** Whether something is written, or compared, that depends on what changes answers. */
  get needsSettings(): boolean {
    return this.#file !== undefined && this.#printer(0).rereads !== undefined;
  }

  /**
   * The jobs without what was answered before.
   * @param settings what this run's answers depend on; undefined where there is nothing to be asked
   * @throws `usage` when the output holds something else
   */
  async unanswered(jobs: PeekedJobs, settings: Settings | undefined): Promise<PeekedJobs> {
    const { resume } = this.#options.request.answers;
    const ledger = resume ? await this.#takeOver(settings) : undefined;
    if (ledger === undefined && this.sidecars === undefined) return jobs;
    const onSkipped = ({
      questions,
      whole,
    }: {
      readonly questions: number;
      readonly whole: boolean;
    }): void => {
      this.counts.skipped += questions;
      if (whole) this.skippedPictures++;
    };
    const { sidecars } = this;
    return new PeekedJobs(new Unanswered({ jobs, contents: this.#contents, ledger, sidecars, onSkipped }));
  }

  /** What makes a later run know the answers again, if one could. */
  stamps(settings: Settings | undefined): Stamps | undefined {
    return settings === undefined || !this.needsSettings ? undefined : new Stamps(this.#contents, settings);
  }

  /** @param pictures how many there are; undefined where that is not known */
  writer(pictures: number = Number.POSITIVE_INFINITY): AnswerWriter {
    const { request, format, output } = this.#options;
    const { output: path, sidecar, format: wanted } = request.answers;
    if (sidecar !== undefined && path === undefined && wanted === undefined) return noWriter;
    if (format === "text" && pictures === 1 && request.questions.length === 1) {
      const whole = request.ask.constraint?.kind === "schema"; // of use only when it is complete
      return streamWriter(output, output.streams && !whole);
    }
    return rowWriter(this.#printer(pictures), output, this.#file?.empty);
  }

  async #takeOver(settings: Settings | undefined): Promise<Ledger | undefined> {
    const { output: path, force } = this.#options.request.answers;
    if (this.#file === undefined || path === undefined) return undefined;
    const printer = this.#printer(Number.POSITIVE_INFINITY);
    return this.#file.keep(async () => takeOver({ path, printer, settings, force }));
  }

  #printer(pictures: number): Printer {
    const { request, format } = this.#options;
    const parts = { image: pictures > 1, question: request.questions.length !== 1 };
    return printerOf({ format, parts, file: this.#file === undefined ? undefined : request.answers.output });
  }
}
