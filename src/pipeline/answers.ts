import { asFlashSlothError, FlashSlothError } from "../core/errors.ts";
import type { Answer, AskOptions, EncodedPicture, EngineHandle } from "../engine/api.ts";
import type { PictureEntry } from "./inputs.ts";
import { failedRecord, recordTimes, type AnsweredRecord, type FailedRecord } from "./records.ts";

export interface AnswersOptions {
  readonly inputs: readonly PictureEntry[];
  /** Called by the first record that needs the engine, and by every later one. */
  readonly engine: () => Promise<EngineHandle>;
  /** When the run began to wait for models, on the clock of `now`. @default the first call */
  readonly waitingSince?: number | undefined;
  /** The model's name in the records. */
  readonly model: string;
  readonly ask: Omit<AskOptions, "timeoutMs">;
  /** Time for one picture, encoding included, loading not, in milliseconds. @default none */
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

export type Outcome =
  | {
      readonly record: AnsweredRecord;
      /** what `--bench` reports on */
      readonly measured: { readonly picture: EncodedPicture; readonly answer: Answer };
    }
  | { readonly record: FailedRecord; readonly error: FlashSlothError };

/**
 * One outcome for each input, in order; a failed picture does not stop the others.
 * @throws what `engine` rejects with: without an engine there are no answers
 */
export async function* answers(options: AnswersOptions): AsyncGenerator<Outcome, void, void> {
  const now = options.now ?? (() => performance.now());
  let waitsSince = options.waitingSince ?? now();
  for (const input of options.inputs) {
    if (options.finish?.aborted || options.stop?.aborted) return;
    if ("error" in input) {
      yield failure(options, input.label, input.error);
      continue;
    }
    const engine = await options.engine();
    if (options.finish?.aborted || options.stop?.aborted) return;
    const outcome = await answerOne(options, engine, input, { now, waitsSince });
    if (outcome === undefined) return;
    yield outcome;
    waitsSince = Number.POSITIVE_INFINITY; // only the first record waited for the models
  }
}

interface Clock {
  readonly now: () => number;
  /** when this record began to wait for the engine; infinity when it did not */
  readonly waitsSince: number;
}

async function answerOne(
  options: AnswersOptions,
  engine: EngineHandle,
  input: Extract<PictureEntry, { input: unknown }>,
  clock: Clock,
): Promise<Outcome | undefined> {
  const start = clock.now();
  const load = Math.max(0, start - clock.waitsSince);
  let picture: EncodedPicture | undefined;
  try {
    picture = await engine.encodePicture(input.input);
    const encoded = clock.now();
    const answer = await engine.ask(
      picture,
      { ...options.ask, timeoutMs: timeLeft(options.timeoutMs, encoded - start) },
      { onText: options.onText, signal: options.stop },
    );
    const ended = clock.now();
    if (answer.finish === "interrupted") return undefined;
    if (answer.finish === "timeout" && answer.text === "") throw tooSlow(options.timeoutMs);
    const spans = { load, encode: encoded - start, ask: ended - encoded };
    const record: AnsweredRecord = {
      image: input.label,
      question: options.ask.question,
      answer: answer.text,
      model: options.model,
      finish: answer.finish,
      tokens: {
        image: answer.tokens.image,
        prompt: answer.tokens.prompt,
        answer: answer.tokens.answer,
      },
      ms: recordTimes(spans, picture.ms, answer.ms),
    };
    return { record, measured: { picture, answer } };
  } catch (error) {
    const failed = asFlashSlothError(error, "internal", "unexpected failure");
    if (failed.code === "interrupted") return undefined;
    await engine.ready(); // a model that does not load fails the run, not this picture
    return failure(options, input.label, failed);
  } finally {
    // the outcome stands, whatever becomes of the memory behind it
    if (picture !== undefined) await engine.release(picture).catch(() => {});
  }
}

function timeLeft(timeoutMs: number | undefined, used: number): number | undefined {
  if (timeoutMs === undefined) return undefined;
  if (used >= timeoutMs) throw tooSlow(timeoutMs);
  return timeoutMs - used;
}

function tooSlow(timeoutMs: number | undefined): FlashSlothError {
  return new FlashSlothError("timeout", `no answer within ${(timeoutMs ?? 0) / 1000} s`, {
    hint: "give it more time with --timeout",
  });
}

function failure(options: AnswersOptions, image: string, error: FlashSlothError): Outcome {
  const { ask, model } = options;
  return { record: failedRecord({ image, question: ask.question, error, model }), error };
}
