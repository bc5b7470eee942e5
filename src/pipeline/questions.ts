import { FlashSlothError } from "../core/errors.ts";
import type { Answer, EncodedPicture, EngineHandle } from "../engine/api.ts";
import type { AskSettings, Job, Question } from "./job.ts";
import { pictureFailure, questionFailure, subjectOf, type Outcome } from "./outcome.ts";
import type { Places } from "./bounds/places.ts";
import { answeredRecord, NOTHING_BEFORE, recordTimes, type Before } from "./records.ts";
import type { SharedPictures } from "../engine/shared-pictures.ts";
import { TimeLimit } from "./time-limit.ts";
import type { Window } from "./bounds/window.ts";

/** How questions are asked. */
export interface QuestionsOptions {
  /** The model's name in the records. */
  readonly model: string;
  readonly ask: AskSettings;
  /**
   * Time for one picture, encoding and all its questions included, loading not, in milliseconds. It cuts off the answers
   * in hand; what was to be asked after that fails with `timeout`. @default none
   */
  readonly timeoutMs?: number | undefined;
  /** New text of an answer, as it is generated: of use where there is one picture and one question. @default none */
  readonly onText?: ((piece: string) => void) | undefined;
}

/** What the questions of all pictures share. */
export interface Asking {
  readonly options: QuestionsOptions;
  readonly engine: EngineHandle;
  /** the pictures in it */
  readonly pictures: SharedPictures;
  readonly places: Places;
  /** where the outcomes go */
  readonly window: Pick<Window<Outcome>, "room" | "put">;
  /** Aborted: the answers in hand are not wanted. */
  readonly signal: AbortSignal;
  /** What was waited for the engine, for the first picture that asks; undefined for the others. */
  readonly claimLoad: () => number | undefined;
  /** What something failed of; undefined when that is not to be reported: the run stops, or fails as a whole. */
  readonly reasonOf: (error: unknown) => Promise<FlashSlothError | undefined>;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** A job whose picture was encoded, and what that took. */
export interface EncodedJob {
  readonly job: Job;
  /** its first outcome's position */
  readonly first: number;
  readonly picture: EncodedPicture;
  readonly paid: Before;
  /** Whether waiting for models is this job's to report: it is the first that did. */
  readonly loads: boolean;
  /** Gone of the picture's time, in milliseconds. */
  readonly spentMs: number;
}

/**
 * Asks every question about one encoded picture, as many at once as there are places; the picture's place is the first one's.
 * A question that fails does not stop the others.
 */
export async function askEach(asking: Asking, encoded: EncodedJob): Promise<void> {
  const { places, window, now } = asking;
  const { model, timeoutMs } = asking.options;
  const { job, first, spentMs } = encoded;
  const time = new TimeLimit({ limitMs: timeoutMs, spentMs, now });
  const asked: Promise<void>[] = [];
  for (const [index, question] of job.questions.entries()) {
    if (index > 0 && !(await window.room(first + index))) break;
    time.start();
    if (index > 0 && !(await places.forQuestion())) break;
    if (time.left <= 0) {
      places.leave();
      const error = index === 0 ? tooSlow(timeoutMs) : timeIsOver(timeoutMs);
      window.put(first + index, pictureFailure(job, error, model, index));
      break;
    }
    asked.push(ask(asking, encoded, { question, index, time }));
  }
  await Promise.all(asked);
}

interface Asked {
  readonly question: Question;
  /** among the job's questions */
  readonly index: number;
  readonly time: TimeLimit;
}

async function ask(asking: Asking, encoded: EncodedJob, asked: Asked): Promise<void> {
  const { engine, options, places, window, now, signal } = asking;
  const { job, first, picture } = encoded;
  const { question, index, time } = asked;
  const left = Number.isFinite(time.left) ? time.left : undefined;
  const begunAt = now();
  const begunAlone = places.taken === 1;
  const { onText } = options;
  const { said } = places;
  const heard = said && ((piece: string): void => (said(), onText?.(piece)));
  const [result] = await Promise.allSettled([
    engine.ask(
      picture,
      { ...options.ask, ...question.ask, question: question.text, timeoutMs: left },
      { onText: heard ?? onText, signal },
    ),
  ]);
  const askMs = now() - begunAt;
  const alone = begunAlone && places.taken === 1;
  time.stop(result.status === "fulfilled" ? result.value.ms.wait : 0);
  places.leave();
  let outcome: Outcome | undefined;
  if (result.status === "fulfilled") {
    if (result.value.finish === "timeout") time.exhaust();
    outcome = answered(options, encoded, { question, index, answer: result.value, askMs, alone });
  } else {
    const reason = await asking.reasonOf(result.reason);
    outcome = reason && questionFailure(job, question, reason, options.model);
  }
  if (outcome !== undefined) window.put(first + index, [outcome]);
}

interface Answered extends Pick<Asked, "question" | "index"> {
  readonly answer: Answer;
  /** all of `ask`, in milliseconds of wall time */
  readonly askMs: number;
  /** Nothing else was in the engine. */
  readonly alone: boolean;
}

/** @returns undefined for an answer that was not wanted any longer */
function answered(options: QuestionsOptions, encoded: EncodedJob, given: Answered): Outcome | undefined {
  const { job, picture, paid, loads } = encoded;
  const { question, index, answer, askMs, alone } = given;
  const { finish, text } = answer;
  const { model } = options;
  if (finish === "interrupted") return undefined;
  if (finish === "timeout" && text === "") {
    return questionFailure(job, question, tooSlow(options.timeoutMs), model);
  }
  // only the first question waited for the picture, and reports what was waited for models
  const before = index === 0 ? paid : NOTHING_BEFORE;
  const { prefill, firstToken, explain } = answer.ms;
  const wait = index === 0 && loads ? answer.ms.wait : 0;
  const queue = alone ? 0 : answer.ms.queue;
  const ms = recordTimes(before, askMs - (answer.ms.wait - wait), {
    wait,
    queue,
    prefill,
    firstToken,
    explain,
  });
  const record = answeredRecord(subjectOf(job, question, model), {
    answer,
    cached: picture.cached,
    finish,
    ms,
  });
  return { job, question, record, measured: { picture, answer } };
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
