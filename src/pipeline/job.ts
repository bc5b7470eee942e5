import type { FlashSlothError } from "../core/errors.ts";
import type { AskOptions } from "../engine/api.ts";

/** How questions are asked, whatever they are. */
export type AskSettings = Omit<AskOptions, "question" | "timeoutMs">;

/** What the asker calls a job or a question: the record carries it. */
export type JobId = string | number;

/** One question about a picture. */
export interface Question {
  readonly text: string;
  /** @default the job's */
  readonly id?: JobId | undefined;
  /** What is set for this question alone, such as its choices. @default what the run asks with */
  readonly ask?: Partial<AskSettings> | undefined;
  /** The answer held to be right: nobody reads it on the way. @default unknown */
  readonly expected?: string | undefined;
}

interface AnyJob {
  readonly id?: JobId | undefined;
  /** What records and messages call the picture: the path as given, or `-`. */
  readonly label: string;
  readonly questions: readonly Question[];
}

export interface PictureJob extends AnyJob {
  /** A path, or the picture's encoded bytes. */
  readonly input: string | Uint8Array;
}

/** Bad input is a job of its own, in its place: it does not stop the others. */
export interface BadJob extends AnyJob {
  readonly error: FlashSlothError;
}

/** The unit of work: one picture, or why there is none, and what is asked about it. */
export type Job = PictureJob | BadJob;

/** Jobs, given one by one as they are asked for: of a million nobody ever holds more than a few. */
export interface JobSource extends AsyncIterable<Job> {
  /** How many there are in all, once that is known. */
  readonly total?: number | undefined;
}
