import { FlashSlothError } from "../../core/errors.ts";
import type { Format } from "../../pipeline/printers/printer.ts";
import type { AnswersFlags } from "../commands/answers.ts";

/** Where the answers of a run go, and in which form. */
export interface AnswersRequest {
  /** undefined: the form that goes with the questions' */
  readonly format: Format | undefined;
  /** a file; undefined: standard output, or nothing but sidecars */
  readonly output: string | undefined;
  /** `.txt` */
  readonly sidecar: string | undefined;
  readonly resume: boolean;
  readonly force: boolean;
  readonly failFast: boolean;
}

/**
 * What the options say of where answers go.
 * @param questions how many are asked about every picture
 * @throws `usage` for options that do not go together
 */
export function answersRequest(flags: AnswersFlags, questions: number): AnswersRequest {
  const { json = false, output, sidecar, resume = false, force = false, failFast = false } = flags;
  const format = flags.format ?? (json ? "jsonl" : undefined);
  if (json && format !== "jsonl") throw usage(`--json is --format jsonl, not --format ${format}`);
  if (resume && output === undefined) {
    throw usage("--resume needs the file to go on with", "name it with -o: -o answers.jsonl --format jsonl");
  }
  if (force && !resume && sidecar === undefined) throw usage("--force needs --resume or --sidecar");
  if (questions > 1 && (sidecar !== undefined || format === "hf")) {
    const place = sidecar === undefined ? "--format hf" : "--sidecar";
    throw usage(`${place} has room for one answer per picture, and there are ${questions} questions`);
  }
  return { format, output, sidecar, resume, force, failFast };
}

function usage(message: string, hint?: string): FlashSlothError {
  return new FlashSlothError("usage", message, { hint });
}
