import { FlashSlothError } from "../core/errors.ts";
import type { ModelGeometry } from "../core/model/manifest.ts";
import type { LanguageModel } from "../language/language-model.ts";

/**
 * The published conversation template, split at the picture and at the queries
 * (upstream `llava/conversation.py`, "phi2": no BOS, no space at the end).
 */
export const SYSTEM_TEXT: string =
  "A chat between a curious user and an artificial intelligence assistant. " +
  "The assistant gives helpful, detailed, and polite answers to the user's questions. USER: ";
const USER_TEXT = "USER:";
const ASSISTANT_TEXT = " ASSISTANT:";

/** The most positions that the template takes: a token is a byte at least, two end the turn. */
export const TEMPLATE_POSITIONS: number = SYSTEM_TEXT.length + "\n".length + ASSISTANT_TEXT.length + 2;

/** A question that was answered. */
export interface Turn {
  readonly question: string;
  readonly answer: string;
}

/** A turn's token ids; the queries stand after `question`. */
export interface TurnTokens {
  readonly question: readonly number[];
  /** Tokens at the start of `question` that EmbQ does not read: the newline after the picture, or `USER:` */
  readonly lead: number;
  /** ` ASSISTANT:`, in an earlier turn with the answer and its end */
  readonly assistant: readonly number[];
}

/** The prompt's token ids; the picture stands after `system`. */
export interface PromptTokens {
  readonly system: readonly number[];
  readonly turns: readonly TurnTokens[];
}

/**
 * Tokenises a question, and what was said before it, into the published template. Each turn has queries of its own, and
 * nothing stands between the end of an answer and the next `USER:` (upstream `train/finetune.py`, `preprocess_phi2`). Whatever
 * a text contains is plain text.
 * @param history earlier turns about the same picture
 * @throws `usage` for a blank question
 */
export function tokenizePrompt(
  language: Pick<LanguageModel, "tokenize" | "endTokens">,
  question: string,
  history: readonly Turn[] = [],
): PromptTokens {
  if (question.trim() === "") {
    throw new FlashSlothError("usage", "the question is empty", {
      hint: 'ask something, like "what is this?"',
    });
  }
  const [end = 0] = language.endTokens;
  const user = language.tokenize(USER_TEXT).length;
  const turns = [...history, { question, answer: undefined }].map((turn, index): TurnTokens => {
    const said = turn.answer === undefined || turn.answer === "" ? "" : ` ${turn.answer}`;
    const assistant = language.tokenize(`${ASSISTANT_TEXT}${said}`);
    return {
      question: language.tokenize(index === 0 ? `\n${turn.question}` : `${USER_TEXT} ${turn.question}`),
      lead: index === 0 ? 1 : user,
      assistant: turn.answer === undefined ? assistant : [...assistant, end],
    };
  });
  return { system: language.tokenize(SYSTEM_TEXT), turns };
}

/** A picture as the language model reads it. */
export interface PictureFeatures {
  /** raw vision features of all crops: float32 [crops * 729, 1152] */
  readonly features: Float32Array;
  /** after pooling and projection: float32 [crops * 81, hidden] */
  readonly visualTokens: Float32Array;
  /** Stands for the picture in caches on the disk. @default it is not kept */
  readonly key?: string | undefined;
}

/** The positions of a question and of the queries that read it. */
export interface QueryGroup {
  /** the question's own positions, from `textFrom` up to `queriesFrom` */
  readonly textFrom: number;
  readonly queriesFrom: number;
  readonly queriesTo: number;
}

/** What stands at a position that is no token: a picture's visual token, and a query with EmbQ or without. */
const PICTURE_KEYS = -16;
const QUERY_KEY = -1;
const PLAIN_QUERY_KEY = -2;

/** What stands at every position of a picture in `Prompt.keys`. */
export function pictureKey(picture: number): number {
  return PICTURE_KEYS - picture;
}

export interface PromptOptions {
  readonly language: Pick<LanguageModel, "embed" | "queries">;
  readonly geometry: Pick<ModelGeometry, "hiddenSize" | "queries">;
  readonly tokens: PromptTokens;
  /** stands for the picture among all that the engine has seen, from 1 on */
  readonly picture: number;
  readonly visualTokens: Float32Array;
  /** whether EmbQ will replace what the queries' positions hold */
  readonly embq: boolean;
  /** Compute the last question and its queries anew, whatever a cache holds: EmbQ is watched. @default false */
  readonly afresh?: boolean | undefined;
}

/** A prompt as the positions that llama.cpp computes. */
export class Prompt {
  /**
   * What each position holds, int32 [positions]: a token's id, or a negative number for a visual token or a query. Two
   * prompts that begin with the same keys begin with the same KV cache.
   */
  readonly keys: Int32Array;
  /** one a turn */
  readonly groups: readonly QueryGroup[];
  /** Positions up to the picture's end, which do not depend on any question. */
  readonly prefix: number;
  readonly #width: number;
  readonly #segments: readonly Segment[];
  readonly #afresh: boolean;

  constructor(options: PromptOptions) {
    const { language, geometry, tokens, picture, visualTokens, embq, afresh = false } = options;
    this.#afresh = afresh;
    this.#width = geometry.hiddenSize;
    const text = (ids: readonly number[]): Segment => ({
      keys: ids,
      rows: (from, to) => language.embed(ids.slice(from, to)),
    });
    const stored = (values: Float32Array, key: number): Segment => ({
      keys: new Int32Array(values.length / this.#width).fill(key),
      rows: (from, to) => values.subarray(from * this.#width, to * this.#width),
    });
    const queries = stored(language.queries, embq ? QUERY_KEY : PLAIN_QUERY_KEY);
    this.#segments = [
      text(tokens.system),
      stored(visualTokens, pictureKey(picture)),
      ...tokens.turns.flatMap(({ question, assistant }) => [text(question), queries, text(assistant)]),
    ];
    this.keys = new Int32Array(this.#segments.reduce((sum, { keys }) => sum + keys.length, 0));
    let end = 0;
    for (const { keys } of this.#segments) {
      this.keys.set(keys, end);
      end += keys.length;
    }
    this.prefix = tokens.system.length + visualTokens.length / this.#width;
    let at = this.prefix;
    this.groups = tokens.turns.map(({ question, lead, assistant }) => {
      const textFrom = at + lead;
      const queriesFrom = at + question.length;
      at = queriesFrom + geometry.queries + assistant.length;
      return { textFrom, queriesFrom, queriesTo: queriesFrom + geometry.queries };
    });
  }

  /** positions */
  get length(): number {
    return this.keys.length;
  }

  /** Positions up to the picture's start, the same for every prompt. */
  get beginning(): number {
    return this.#segments[0]?.keys.length ?? 0;
  }

  /** What goes into llama.cpp for positions `from` up to `to`: float32 [to - from, hidden]. */
  rows(from: number, to: number): Float32Array {
    const out = new Float32Array((to - from) * this.#width);
    let start = 0;
    for (const { keys, rows } of this.#segments) {
      const end = start + keys.length;
      const [first, last] = [Math.max(from, start), Math.min(to, end)];
      if (first < last) out.set(rows(first - start, last - start), (first - from) * this.#width);
      start = end;
    }
    return out;
  }

  /**
   * How much of a beginning that some cache holds can be kept: at least one position must be computed, and queries whose
   * question was not computed with them cannot read it.
   */
  reusable(held: number): number {
    const last = this.#afresh ? this.groups.at(-1)?.textFrom : undefined;
    const most = Math.min(held, last ?? this.length - 1);
    const open = this.groups.find(({ queriesTo }) => queriesTo > most);
    return open === undefined ? most : Math.min(most, open.textFrom);
  }

  /**
   * The end of the positions from `from` on that fit into one graph of at most `budget` rows: a question's queries are all
   * in one. `from` itself when not even they fit.
   */
  graphEnd(from: number, budget: number): number {
    const end = Math.min(this.length, from + budget);
    const cut = this.groups.find(({ queriesFrom, queriesTo }) => queriesFrom < end && end < queriesTo);
    return cut === undefined ? end : cut.queriesFrom;
  }
}

interface Segment {
  readonly keys: ArrayLike<number>;
  /** rows of its own positions, float32 [to - from, hidden] */
  readonly rows: (from: number, to: number) => Float32Array;
}
