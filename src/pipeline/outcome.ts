import type { FlashSlothError } from "../core/errors.ts";
import type { Answer, EncodedPicture } from "../engine/api.ts";
import type { Job, Question } from "./job.ts";
import { failedRecord, type AnsweredRecord, type FailedRecord, type RecordSubject } from "./records.ts";

/** What became of one question of a job. */
export type Outcome = {
  readonly job: Job;
  readonly question: Question;
} & (
  | {
      readonly record: AnsweredRecord;
      /** what `--bench` reports on */
      readonly measured: { readonly picture: EncodedPicture; readonly answer: Answer };
    }
  | {
      readonly record: FailedRecord;
      /** Where `failed` is `picture`, the same object in every outcome of that failure: worth saying once. */
      readonly error: FlashSlothError;
      /** Whether this question alone failed, or every one that was still to be asked about the picture. */
      readonly failed: "picture" | "question";
    }
);

/** What the record of a question is about. */
export function subjectOf(job: Job, question: Question, model: string): RecordSubject {
  return { id: question.id ?? job.id, image: job.label, question: question.text, model };
}

/** The outcome of a question that failed by itself. */
export function questionFailure(
  job: Job,
  question: Question,
  error: FlashSlothError,
  model: string,
): Outcome {
  const record = failedRecord(subjectOf(job, question, model), error);
  return { job, question, record, error, failed: "question" };
}

/**
 * An outcome for each question that one failure of the picture leaves without an answer.
 * @param from the first of them
 */
export function pictureFailure(job: Job, error: FlashSlothError, model: string, from = 0): Outcome[] {
  return job.questions.slice(from).map((question) => ({
    ...questionFailure(job, question, error, model),
    failed: "picture",
  }));
}
