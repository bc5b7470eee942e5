import type { FlashSlothError } from "../core/errors.ts";
import type { Answer } from "../engine/api.ts";

/** Milliseconds of one record; the stages are spans of the same clock, so they add up to `total`. */
export interface RecordTimes {
  /** what this record waited for models */
  readonly load: number;
  /** reading, decoding and resizing the picture */
  readonly image: number;
  readonly vision: number;
  readonly prefill: number;
  readonly first_token: number;
  readonly decode: number;
  readonly total: number;
}

/** One question about one picture, answered. The fields are in the order in which they are printed. */
export interface AnsweredRecord {
  readonly image: string;
  readonly question: string;
  readonly answer: string;
  readonly model: string;
  readonly finish: "stop" | "length" | "timeout";
  readonly tokens: { readonly image: number; readonly prompt: number; readonly answer: number };
  readonly ms: RecordTimes;
}

/** One question about one picture, and why there is no answer. */
export interface FailedRecord {
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
}

/** A later question about the same picture: all that is done. */
export const NOTHING_BEFORE: Before = { load: 0, encode: 0, wait: 0, vision: 0 };

export interface AnsweredParts {
  readonly image: string;
  readonly question: string;
  readonly model: string;
  readonly answer: Pick<Answer, "text" | "tokens" | "ms">;
  readonly finish: AnsweredRecord["finish"];
  readonly before: Before;
  /** all of `ask`, in milliseconds of wall time */
  readonly askMs: number;
}

export function answeredRecord(parts: AnsweredParts): AnsweredRecord {
  const { image, question, model, answer, finish, before, askMs } = parts;
  const { text, tokens } = answer;
  return {
    image,
    question,
    answer: text,
    model,
    finish,
    tokens: { image: tokens.image, prompt: tokens.prompt, answer: tokens.answer },
    ms: recordTimes(before, askMs, answer.ms),
  };
}

/**
 * The times of one record. What passes between the caller and the engine (a message to its thread, a file opened)
 * counts towards the stage it belongs to (waiting for a part to load towards `load`): before vision to `image`, after the first token to `decode`.
 */
export function recordTimes(
  before: Before,
  askMs: number,
  ask: Pick<Answer["ms"], "wait" | "prefill" | "firstToken">,
): RecordTimes {
  return {
    load: tenths(before.load + before.wait + ask.wait),
    image: tenths(Math.max(0, before.encode - before.wait - before.vision)),
    vision: tenths(before.vision),
    prefill: tenths(ask.prefill),
    first_token: tenths(ask.firstToken),
    decode: tenths(Math.max(0, askMs - ask.wait - ask.prefill - ask.firstToken)),
    total: tenths(before.load + before.encode + askMs),
  };
}

/** Rounded to a tenth of a millisecond. */
export function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

export function failedRecord(parts: {
  image: string;
  question: string;
  error: FlashSlothError;
  model: string;
}): FailedRecord {
  const { image, question, error, model } = parts;
  return { image, question, error: { code: error.code, message: error.message }, model };
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
