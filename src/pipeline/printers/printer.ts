import type { JobId, QuestionsForm } from "../job.ts";
import type { Outcome } from "../outcome.ts";
import type { Stamp } from "../resume/stamp.ts";

/** The forms in which answers are written. */
export const FORMATS = ["text", "jsonl", "csv", "llava", "openai", "hf"] as const;
export type Format = (typeof FORMATS)[number];

/** What is written beside an outcome's record. */
export interface Beside {
  /** Further fields of the record, where the form takes them. @default none */
  readonly extra?: object | undefined;
  /** By which a later run knows what this answer is about. @default nobody will go on with this output */
  readonly stamp?: Stamp | undefined;
}

/** One form of answers. */
export interface Printer {
  /** What stands before the first row of an output, with its newline. @default nothing */
  readonly header?: string | undefined;
  /** An outcome's row, with its newline; empty where the form has no place for it. */
  readonly print: (outcome: Outcome, beside: Beside) => string;
  /** @default a later run cannot go on with an output in this form */
  readonly rereads?: Rereads | undefined;
}

/** How rows that were printed with a stamp are read again. */
export interface Rereads {
  /** Whether a newline inside double quotes does not end a row. */
  readonly quoted: boolean;
  /** @param row without its newline. @returns undefined for what is none of ours */
  readonly read: (row: string) => WrittenRow | undefined;
}

/** What a row says about itself. */
export interface WrittenRow {
  readonly id?: JobId | undefined;
  /** as it was given */
  readonly image: string;
  readonly question: string;
  /** Whether it says why there is no answer. */
  readonly failed: boolean;
  /** @default it was printed without */
  readonly stamp?: Stamp | undefined;
}

/** The form in which questions of a form are answered, unless another one is asked for. */
export function formatFor(form: QuestionsForm | undefined): Format {
  switch (form) {
    case "llava":
    case "openai":
      return form;
    default:
      return "text";
  }
}
