import type { Job } from "../job.ts";
import type { Outcome } from "../outcome.ts";
import type { Contents } from "./content.ts";
import { keyOf, settingsFor, type Settings } from "./settings.ts";
import type { Stamp } from "./stamp.ts";

/** Gives answers what a later run knows them by. */
export class Stamps {
  readonly #contents: Contents;
  readonly #settings: Settings;

  constructor(contents: Contents, settings: Settings) {
    this.#contents = contents;
    this.#settings = settings;
  }

  /** A job goes to work: its picture is read meanwhile. */
  begin(job: Job): void {
    if ("input" in job) void this.#contents.of(job).digest();
  }

  /** A file that has changed since it was read has no mark and another key: it will be asked about again. */
  async of({ job, question }: Outcome): Promise<Stamp> {
    const content = this.#contents.of(job);
    const settings = settingsFor(this.#settings, question);
    const digest = await content.digest();
    if (!(await content.unchanged())) {
      return { key: keyOf(`changed ${job.label}`, question.text, settings), settings };
    }
    const file = await content.file();
    return { key: keyOf(digest, question.text, settings), ...(file && { file }), settings };
  }
}
