import type { FlashSlothError } from "../core/errors.ts";
import type { Answer, EncodedPicture } from "../engine/api.ts";
import { failedRecord, type AnsweredRecord, type FailedRecord } from "./records.ts";

/** What became of one question about one picture. */
export type Outcome =
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
    };

/** The outcome of a question that failed by itself. */
export function questionFailure(
  image: string,
  question: string,
  error: FlashSlothError,
  model: string,
): Outcome {
  return { record: failedRecord({ image, question, error, model }), error, failed: "question" };
}

/** An outcome for each question that one failure of the picture leaves without an answer. */
export function pictureFailure(
  image: string,
  questions: readonly string[],
  error: FlashSlothError,
  model: string,
): Outcome[] {
  return questions.map((question) => ({
    record: failedRecord({ image, question, error, model }),
    error,
    failed: "picture",
  }));
}
