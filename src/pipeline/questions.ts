import { asFlashSlothError, FlashSlothError } from "../core/errors.ts";
import type { AskOptions, EncodedPicture, EngineHandle } from "../engine/api.ts";
import { pictureFailure, questionFailure, type Outcome } from "./outcome.ts";
import { answeredRecord, NOTHING_BEFORE, type Before } from "./records.ts";

export interface QuestionsOptions {
  /** Asked about every picture, in this order. */
  readonly questions: readonly string[];
  /** The model's name in the records. */
  readonly model: string;
  readonly ask: Omit<AskOptions, "question" | "timeoutMs">;
  /**
   * Time for one picture, encoding and all its questions included, loading not, in milliseconds. It cuts off the answer
   * in hand; what was to be asked after that fails with `timeout`. @default none
   */
  readonly timeoutMs?: number | undefined;
  /** New text of the answer in hand, as it is generated. @default none */
  readonly onText?: ((piece: string) => void) | undefined;
  /** Aborting starts no further record; the one in hand is finished. @default none */
  readonly finish?: AbortSignal | undefined;
  /** Aborting also stops the answer in hand, which is then not reported. @default none */
  readonly stop?: AbortSignal | undefined;
  /** Milliseconds of a monotonic clock. @default performance.now */
  readonly now?: (() => number) | undefined;
}

/** A picture that was encoded, and what that took. */
export interface EncodedEntry {
  readonly label: string;
  readonly picture: EncodedPicture;
  readonly paid: Before;
}

/**
 * Asks every question about one encoded picture. A question that fails does not stop the others.
 * @throws what `engine.ready` rejects with
 */
export async function* askEach(
  options: QuestionsOptions,
  engine: EngineHandle,
  { label, picture, paid }: EncodedEntry,
): AsyncGenerator<Outcome, void, void> {
  const { questions, model, timeoutMs, now = () => performance.now() } = options;
  let left = (timeoutMs ?? Number.POSITIVE_INFINITY) - (paid.encode - paid.wait);
  let before = paid;
  for (const [index, question] of questions.entries()) {
    if (index > 0 && isEnding(options)) return;
    if (left <= 0) {
      const error = index === 0 ? tooSlow(timeoutMs) : timeIsOver(timeoutMs);
      yield* pictureFailure(label, questions.slice(index), error, model);
      return;
    }
    const askedAt = now();
    let outcome: Outcome;
    try {
      const limit = Number.isFinite(left) ? left : undefined;
      const answer = await engine.ask(
        picture,
        { ...options.ask, question, timeoutMs: limit },
        { onText: options.onText, signal: options.stop },
      );
      const askMs = now() - askedAt;
      if (answer.finish === "interrupted") return;
      left = answer.finish === "timeout" ? 0 : left - (askMs - answer.ms.wait);
      if (answer.finish === "timeout" && answer.text === "") {
        outcome = questionFailure(label, question, tooSlow(timeoutMs), model);
      } else {
        const { finish } = answer;
        const record = answeredRecord({ image: label, question, model, finish, answer, before, askMs });
        outcome = { record, measured: { picture, answer } };
      }
    } catch (error) {
      left -= now() - askedAt;
      await engine.ready(); // a model that does not load fails the run, not this question
      const failed = asFlashSlothError(error, "internal", "unexpected failure");
      outcome = questionFailure(label, question, failed, model);
    }
    yield outcome;
    before = NOTHING_BEFORE; // only the first question waited for the picture
  }
}

/** Whether nothing further may be begun. */
export function isEnding({ finish, stop }: Pick<QuestionsOptions, "finish" | "stop">): boolean {
  return finish?.aborted === true || stop?.aborted === true;
}

function tooSlow(timeoutMs: number | undefined): FlashSlothError {
  return timeout(`no answer within ${(timeoutMs ?? 0) / 1000} s`);
}

function timeIsOver(timeoutMs: number | undefined): FlashSlothError {
  return timeout(`no time was left for further questions after ${(timeoutMs ?? 0) / 1000} s`);
}

function timeout(message: string): FlashSlothError {
  return new FlashSlothError("timeout", message, { hint: "give it more time with --timeout" });
}
