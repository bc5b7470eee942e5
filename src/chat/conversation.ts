import { FlashSlothError } from "../core/errors.ts";
import type {
  Answer,
  AskHooks,
  AskOptions,
  Attention,
  EncodedPicture,
  EncodePictureOptions,
  EngineHandle,
  ExplainOptions,
  PictureInput,
} from "../engine/api.ts";
import type { Turn } from "../engine/prompt.ts";

/** What a conversation needs of a model. */
export type ConversationModel = Pick<EngineHandle, "encodePicture" | "ask" | "release">;

/** How questions are asked, where a question of its own does not say otherwise. */
export type ConversationSettings = Omit<AskOptions, "question" | "history" | "keep">;

export interface ConversationOptions extends ConversationSettings {
  readonly model: ConversationModel;
}

export type ConversationAskOptions = ConversationSettings & AskHooks;

export interface ConversationExplainOptions extends ExplainOptions {
  /** @default never aborted */
  readonly signal?: AbortSignal | undefined;
}

/** A question that was answered, and how its answer ended. */
export interface ConversationTurn extends Turn {
  readonly finish: Answer["finish"];
}

/**
 * A conversation about one picture: every question is asked with all that was said before, by the published template for
 * several turns (upstream `train/finetune.py`, `preprocess_phi2`). What was said stays in the KV cache, so that a turn computes
 * only what is new; nothing is ever left out of it silently. Calls are taken in order, one after the other.
 *
 * @example
 * const conversation = new Conversation({ model });
 * await conversation.look("drawing.png");
 * await conversation.ask("What color is the circle?");
 * const { text } = await conversation.ask("How many shapes are there?");
 */
export class Conversation {
  readonly #model: ConversationModel;
  readonly #settings: ConversationSettings;
  #picture: EncodedPicture | undefined;
  #turns: ConversationTurn[] = [];
  #last: Promise<unknown> = Promise.resolve();

  constructor({ model, ...settings }: ConversationOptions) {
    this.#model = model;
    this.#settings = settings;
  }

  /** What is looked at. @default nothing yet */
  get picture(): EncodedPicture | undefined {
    return this.#picture;
  }

  /** What was said about the picture so far, the oldest first. */
  get turns(): readonly ConversationTurn[] {
    return this.#turns;
  }

  /**
   * Looks at a picture, and begins anew with it: the model knows one picture at a time. Where it cannot be looked at, the
   * earlier picture and what was said about it stay.
   * @throws as the model's `encodePicture`
   */
  async look(
    input: PictureInput,
    options: Pick<EncodePictureOptions, "signal"> = {},
  ): Promise<EncodedPicture> {
    return await this.#inTurn(async () => {
      const picture = await this.#model.encodePicture(input, options);
      const earlier = this.#picture;
      this.#picture = picture;
      this.#turns = [];
      if (earlier !== undefined) await this.#model.release(earlier);
      return picture;
    });
  }

  /**
   * Asks with all that was said before. The answer becomes a turn, also one that was cut off: what was said by then was said.
   * Where there is no answer, or none of it when it was stopped, everything stands as before.
   * @param options for this question alone
   * @throws `usage` where no picture was looked at; `question-too-long` when the model's context has no room for the question
   *   behind what was said, `clear` makes some; else as the model's `ask`
   */
  async ask(question: string, options: ConversationAskOptions = {}): Promise<Answer> {
    return await this.#inTurn(async () => {
      const picture = this.#picture;
      if (picture === undefined) {
        throw new FlashSlothError("usage", "there is no picture to ask about", {
          hint: "let the conversation look at one first",
        });
      }
      const { onText, signal, ...settings } = options;
      const history = this.#turns.map((turn): Turn => ({ question: turn.question, answer: turn.answer }));
      const asked = { ...this.#settings, ...settings, question, history, keep: true };
      const answer = await this.#model.ask(picture, asked, { onText, signal });
      const stopped = answer.finish === "interrupted" || answer.finish === "timeout";
      if (!stopped || answer.text !== "") {
        this.#turns.push({ question, answer: answer.text, finish: answer.finish });
      }
      return answer;
    });
  }

  /**
   * Where the model looked for the last answer: its question is read once more, and what was said stays as it is.
   * @throws `usage` where nothing was answered yet, and as the model's `ask`; `interrupted`
   */
  async explain({ signal, ...explain }: ConversationExplainOptions = {}): Promise<Attention> {
    return await this.#inTurn(async () => {
      const turn = this.#turns.at(-1);
      if (this.#picture === undefined || turn === undefined) {
        throw new FlashSlothError("usage", "there is no answer yet whose attention could be shown", {
          hint: "ask something first",
        });
      }
      const history = this.#turns.slice(0, -1).map(({ question, answer }): Turn => ({ question, answer }));
      const asked = { ...this.#settings, question: turn.question, history, maxTokens: 1, explain };
      const { explain: attention } = await this.#model.ask(this.#picture, asked, { signal });
      if (attention !== undefined) return attention;
      throw new FlashSlothError("interrupted", "stopped before the model had looked", {
        cause: signal?.reason,
      });
    });
  }

  /** Forgets what was said, and goes on with the same picture. */
  async clear(): Promise<void> {
    await this.#inTurn(async () => {
      this.#turns = [];
    });
  }

  /** Lets go of the picture. The model stays as it is. */
  async dispose(): Promise<void> {
    await this.#inTurn(async () => {
      const picture = this.#picture;
      this.#picture = undefined;
      this.#turns = [];
      if (picture !== undefined) await this.#model.release(picture);
    });
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return await done;
  }
}
