import type { FlashSlothError } from "../core/errors.ts";
import type { Answer, ScoredChoice } from "../engine/api.ts";
import type { JobId } from "./job.ts";

/**
 * Milliseconds of wall time of one record. Its stages come one after the other and add up to `total`, which is therefore the time
 * that this record took, not the time until it was there. In a batch other records are worked on in the same time: what
 * several share (a decoding step, a thread that another picture's vision holds up) each of them has in full, and what was
 * waited for once (the models) is in the first record alone.
 */
export interface RecordTimes {
  /** what was waited for models: in the first record of a run, 0 in the others */
  readonly load: number;
  /** reading, decoding and resizing the picture, also where that was done while others were in the engine */
  readonly image: number;
  readonly vision: number;
  /** waiting in the engine for what others had there. @default it did not have to wait */
  readonly queue?: number;
  readonly prefill: number;
  readonly first_token: number;
  readonly decode: number;
  /** finding out where the model looked, which comes last. @default nobody asked */
  readonly explain?: number;
  readonly total: number;
}

/** One question about one picture, answered. The fields are in the order in which they are printed. */
export interface AnsweredRecord {
  /** what the asker calls the question, or its job */
  readonly id?: JobId | undefined;
  readonly image: string;
  readonly question: string;
  readonly answer: string;
  /** Every choice with its probability. @default there were none to choose from */
  readonly choices?: readonly ScoredChoice[] | undefined;
  /** the probability of all choices together */
  readonly mass?: number | undefined;
  readonly model: string;
  readonly finish: "stop" | "length" | "repetition" | "timeout";
  readonly tokens: { readonly image: number; readonly prompt: number; readonly answer: number };
  /** The picture's features were kept from an earlier time. @default false */
  readonly cached?: true;
  readonly ms: RecordTimes;
}

/** One question about one picture, and why there is no answer. */
export interface FailedRecord {
  readonly id?: JobId | undefined;
  readonly image: string;
  readonly question: string;
  readonly error: { readonly code: string; readonly message: string };
  readonly model: string;
}

/** What a record answers for besides its own question, in milliseconds of wall time. */
export interface Before {
  /** waiting for the engine to begin */
  readonly load: number;
  /** all of preparing and encoding the picture, and in it: waiting for the vision encoder to load, and the encoder */
  readonly encode: number;
  readonly wait: number;
  readonly vision: number;
  /** also in it: waiting in the engine for others. @default 0 */
  readonly queue?: number | undefined;
}

/** A later question about the same picture: all that is done. */
export const NOTHING_BEFORE: Before = { load: 0, encode: 0, wait: 0, vision: 0 };

/** What a record is about. */
export interface RecordSubject {
  readonly id?: JobId | undefined;
  readonly image: string;
  readonly question: string;
  /** the model's name */
  readonly model: string;
}

export interface AnsweredParts {
  readonly answer: Pick<Answer, "text" | "tokens" | "choices" | "mass">;
  /** whether the picture's features were kept from an earlier time */
  readonly cached: boolean;
  readonly finish: AnsweredRecord["finish"];
  readonly ms: RecordTimes;
}

export function answeredRecord(about: RecordSubject, parts: AnsweredParts): AnsweredRecord {
  const { id, image, question, model } = about;
  const { answer, cached, finish, ms } = parts;
  const { text, tokens, choices, mass } = answer;
  return {
    ...(id !== undefined && { id }),
    image,
    question,
    answer: text,
    ...(choices !== undefined && { choices, mass }),
    model,
    finish,
    tokens: { image: tokens.image, prompt: tokens.prompt, answer: tokens.answer },
    ...(cached && { cached }),
    ms,
  };
}

export function failedRecord(about: RecordSubject, error: FlashSlothError): FailedRecord {
  const { id, image, question, model } = about;
  const { code, message } = error;
  return { ...(id !== undefined && { id }), image, question, error: { code, message }, model };
}

/** A shorter time in a queue is what it takes to see that there is none. */
const LEAST_QUEUE_MS = 0.1;

/**
 * The times of one record. What passes between the caller and the engine (a message to its thread, a file opened)
 * counts towards the stage it belongs to (waiting for a part to load towards `load`): before vision to `image`, after the first
 * token to `decode`.
 * @param askMs all of `ask`
 * @param ask the engine's own times; `queue` where others were in the engine
 */
export function recordTimes(
  before: Before,
  askMs: number,
  ask: Pick<Answer["ms"], "wait" | "prefill" | "firstToken"> &
    Partial<Pick<Answer["ms"], "queue" | "explain">>,
): RecordTimes {
  const { wait, prefill, firstToken, explain } = ask;
  const [queuedBefore, queued] = [before.queue ?? 0, ask.queue ?? 0];
  const shown = queuedBefore + queued >= LEAST_QUEUE_MS;
  return {
    load: tenths(before.load + before.wait + wait),
    image: tenths(Math.max(0, before.encode - before.wait - before.vision - queuedBefore)),
    vision: tenths(before.vision),
    ...(shown ? { queue: tenths(queuedBefore + queued) } : {}),
    prefill: tenths(prefill),
    first_token: tenths(firstToken),
    decode: tenths(Math.max(0, askMs - wait - queued - prefill - firstToken - (explain ?? 0))),
    ...(explain === undefined ? {} : { explain: tenths(explain) }),
    total: tenths(before.load + before.encode + askMs),
  };
}

/** Rounded to a tenth of a millisecond. */
export function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/**
 * The record as one line of JSON without its newline. `JSON.stringify` escapes C0 controls and lone surrogates;
 * DEL and C1 (which some terminals obey too) are escaped here.
 */
export function recordLine(record: object): string {
  return JSON.stringify(record).replaceAll(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
