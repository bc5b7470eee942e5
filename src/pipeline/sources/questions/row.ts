import { FlashSlothError } from "../../../core/errors.ts";
import type { AskSettings, JobId } from "../../job.ts";

/** What a row of a questions file asks. */
export interface Row {
  readonly id?: JobId | undefined;
  /** A file's name, an http(s) URL or a data URI, as it is written. */
  readonly image: string;
  /** @default what is asked of every picture that comes without a question */
  readonly question?: string | undefined;
  readonly ask?: Partial<AskSettings> | undefined;
}

/** What could be read of a row. */
export type KnownOfRow = { readonly [Part in "id" | "image" | "question"]?: Row[Part] | undefined };

/** Why a row asks nothing that can be answered. */
export class BadRow extends Error {
  override readonly name = "BadRow";
  readonly hint: string;
  readonly known: KnownOfRow;

  constructor(message: string, hint: string, known: KnownOfRow = {}) {
    super(message);
    this.hint = hint;
    this.known = known;
  }
}

/** An id: text or a number, or undefined for anything else. */
export function idOf(value: unknown): JobId | undefined {
  return typeof value === "string" || typeof value === "number" ? value : undefined;
}

/** The error of a line that cannot be read. @param code @default it is one of several */
export function lineError(
  file: string,
  line: number,
  { message, hint }: BadRow,
  code: "question-invalid" | "usage" = "question-invalid",
): FlashSlothError {
  return new FlashSlothError(code, `${file}:${line}: ${message}`, { hint });
}
