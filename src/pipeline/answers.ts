import { asFlashSlothError, type FlashSlothError } from "../core/errors.ts";
import type { EncodedPicture, EngineHandle } from "../engine/api.ts";
import { PicturesAhead } from "./ahead.ts";
import type { PictureEntry } from "./inputs.ts";
import { pictureFailure, type Outcome } from "./outcome.ts";
import { askEach, isEnding, type EncodedEntry, type QuestionsOptions } from "./questions.ts";

export interface AnswersOptions extends QuestionsOptions {
  readonly inputs: readonly PictureEntry[];
  /** Called by the first picture that needs the engine, and by every later one. */
  readonly engine: () => Promise<EngineHandle>;
  /** When the run began to wait for models, on the clock of `now`. @default the first call */
  readonly waitingSince?: number | undefined;
}

/**
 * Asks every question about each input, which is encoded once: an outcome for each, in order. A failed picture does not
 * stop the others. The next picture is prepared while one is encoded.
 * @throws what `engine` rejects with: without an engine there are no answers
 */
export async function* answers(options: AnswersOptions): AsyncGenerator<Outcome, void, void> {
  const { inputs, questions, model, now = () => performance.now() } = options;
  const ahead = new PicturesAhead(inputs, options.engine);
  let waitsSince = options.waitingSince ?? now();
  for (const [index, input] of inputs.entries()) {
    if (isEnding(options)) return;
    if ("error" in input) {
      yield* pictureFailure(input.label, questions, input.error, model);
      continue;
    }
    const engine = await options.engine();
    if (isEnding(options)) return;
    const start = now();
    const load = Math.max(0, start - waitsSince);
    waitsSince = Number.POSITIVE_INFINITY; // only the first picture waited for the models
    let picture: EncodedPicture | undefined;
    try {
      picture = await encode(engine, ahead, index);
      const paid = { load, encode: now() - start, wait: picture.ms.wait, vision: picture.ms.vision };
      const entry: EncodedEntry = { label: input.label, picture, paid };
      yield* askEach(options, engine, entry);
    } catch (error) {
      if (picture !== undefined) throw error;
      const failed = await pictureError(engine, error);
      if (failed === undefined) return;
      yield* pictureFailure(input.label, questions, failed, model);
    } finally {
      // the outcomes stand, whatever becomes of the memory behind them
      if (picture !== undefined) await engine.release(picture).catch(() => {});
    }
  }
}

async function encode(engine: EngineHandle, ahead: PicturesAhead, index: number): Promise<EncodedPicture> {
  const prepared = await ahead.take(index);
  ahead.begin(index + 1);
  return await engine.encodePicture(prepared);
}

/** What the picture failed of; undefined for an interruption. @throws when the whole run fails of it: no model */
async function pictureError(engine: EngineHandle, error: unknown): Promise<FlashSlothError | undefined> {
  const failed = asFlashSlothError(error, "internal", "unexpected failure");
  if (failed.code === "interrupted") return undefined;
  await engine.ready();
  return failed;
}
