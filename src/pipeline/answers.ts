import { asFlashSlothError, type FlashSlothError } from "../core/errors.ts";
import type { Answer, AskOptions, EncodedPicture, EngineHandle } from "../engine/api.ts";
import { PicturesAhead } from "./ahead.ts";
import type { PictureEntry } from "./inputs.ts";
import {
  answeredRecord,
  failedRecord,
  NOTHING_BEFORE,
  type AnsweredRecord,
  type Before,
  type FailedRecord,
} from "./records.ts";
import { TimeLimit } from "./time-limit.ts";

export interface AnswersOptions {
  readonly inputs: readonly PictureEntry[];
  /** Each is asked about every picture, which is encoded once. */
  readonly questions: readonly string[];
  /** Called by the first record that needs the engine, and by every later one. */
  readonly engine: () => Promise<EngineHandle>;
  /** When the run began to wait for models, on the clock of `now`. @default the first call */
  readonly waitingSince?: number | undefined;
  /** The model's name in the records. */
  readonly model: string;
  readonly ask: Omit<AskOptions, "question" | "timeoutMs">;
  /** Time for one picture, encoding and all questions included, loading not, in milliseconds. @default none */
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
  | {
      readonly record: FailedRecord;
      readonly error: FlashSlothError;
      /** the picture failed, and this is not its first question: whoever tells people has told them */
      readonly repeated: boolean;
    };

/**
 * One outcome for each question about each input, in order; a failed picture does not stop the others.
 * @throws what `engine` rejects with: without an engine there are no answers
 */
export async function* answers(options: AnswersOptions): AsyncGenerator<Outcome, void, void> {
  const run = new Run(options);
  for (const [index, input] of options.inputs.entries()) {
    if (run.ending) return;
    if ("error" in input) yield* run.failPicture(input.label, input.error);
    else yield* run.answerPicture(index, input.label);
  }
}

/** What the pictures of one run share. */
class Run {
  readonly #options: AnswersOptions;
  readonly #now: () => number;
  readonly #ahead: PicturesAhead;
  /** when the run began to wait for the engine; infinity once it has come */
  #waitsSince: number;

  constructor(options: AnswersOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#waitsSince = options.waitingSince ?? this.#now();
    this.#ahead = new PicturesAhead(options.inputs, options.engine);
  }

  get ending(): boolean {
    const { finish, stop } = this.#options;
    return finish?.aborted === true || stop?.aborted === true;
  }

  *failPicture(label: string, error: FlashSlothError): Generator<Outcome, void, void> {
    let repeated = false;
    for (const question of this.#options.questions) {
      if (this.ending) return;
      yield { ...this.#failure(label, question, error), repeated };
      repeated = true;
    }
  }

  async *answerPicture(index: number, label: string): AsyncGenerator<Outcome, void, void> {
    const { questions, timeoutMs } = this.#options;
    const engine = await this.#options.engine();
    if (this.ending) return;
    const start = this.#now();
    const load = Math.max(0, start - this.#waitsSince);
    this.#waitsSince = Number.POSITIVE_INFINITY; // only the first picture waited for the models
    const limit = new TimeLimit({ timeoutMs, start, now: this.#now });
    let picture: EncodedPicture | undefined;
    try {
      try {
        const prepared = await this.#ahead.take(index);
        if (prepared === undefined || this.ending) return;
        this.#ahead.begin(index + 1);
        picture = await engine.encodePicture(prepared);
      } catch (error) {
        const failed = await this.#refused(engine, error);
        if (failed !== undefined) yield* this.failPicture(label, failed);
        return;
      }
      let before: Before = { load, encode: this.#now() - start, ...picture.ms };
      for (const question of questions) {
        if (this.ending) return;
        const outcome = await this.#ask({ engine, label, question, picture, limit, before });
        if (outcome === undefined) return;
        yield outcome;
        before = NOTHING_BEFORE; // loading and encoding were the first question's
      }
    } finally {
      // the outcomes stand, whatever becomes of the memory behind them
      if (picture !== undefined) await engine.release(picture).catch(() => {});
    }
  }

  async #ask(turn: Turn): Promise<Outcome | undefined> {
    const { engine, label, question, picture, limit, before } = turn;
    const { ask, onText, stop, model } = this.#options;
    const start = this.#now();
    try {
      const answer = await engine.ask(
        picture,
        { ...ask, question, timeoutMs: limit.left() },
        { onText, signal: stop },
      );
      const { finish } = answer;
      if (finish === "interrupted") return undefined;
      if (finish === "timeout" && answer.text === "") throw limit.error();
      const askMs = this.#now() - start;
      const record = answeredRecord({ image: label, question, model, answer, finish, before, askMs });
      return { record, measured: { picture, answer } };
    } catch (error) {
      const failed = await this.#refused(engine, error);
      return failed && { ...this.#failure(label, question, failed), repeated: false };
    }
  }

  /** The error as the record's; undefined for an interruption. @throws when it is the whole run's: no model */
  async #refused(engine: EngineHandle, error: unknown): Promise<FlashSlothError | undefined> {
    const failed = asFlashSlothError(error, "internal", "unexpected failure");
    if (failed.code === "interrupted") return undefined;
    await engine.ready(); // a model that does not load fails the run, not this picture
    return failed;
  }

  #failure(
    image: string,
    question: string,
    error: FlashSlothError,
  ): Omit<Extract<Outcome, { error: unknown }>, "repeated"> {
    return { record: failedRecord({ image, question, error, model: this.#options.model }), error };
  }
}

interface Turn {
  readonly engine: EngineHandle;
  readonly label: string;
  readonly question: string;
  readonly picture: EncodedPicture;
  readonly limit: TimeLimit;
  readonly before: Before;
}
