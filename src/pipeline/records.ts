import type { FlashSlothError } from "../core/errors.ts";
import type { Answer, EncodedPicture } from "../engine/api.ts";

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

export type AskRecord = AnsweredRecord | FailedRecord;

/** Wall-clock spans measured around the engine's calls, in milliseconds. */
export interface Spans {
  /** waiting for the engine to begin */
  readonly load: number;
  /** all of `encodePicture` */
  readonly encode: number;
  /** all of `ask` */
  readonly ask: number;
}

/**
 * The times of one record. What passes between the caller and the engine (a message to its thread, a file opened)
 * counts towards the stage it belongs to (waiting for a part to load towards `load`): before vision to `image`, after the first token to `decode`.
 */
export function recordTimes(
  spans: Spans,
  encode: EncodedPicture["ms"],
  ask: Pick<Answer["ms"], "wait" | "prefill" | "firstToken">,
): RecordTimes {
  return {
    load: tenths(spans.load + encode.wait + ask.wait),
    image: tenths(Math.max(0, spans.encode - encode.wait - encode.vision)),
    vision: tenths(encode.vision),
    prefill: tenths(ask.prefill),
    first_token: tenths(ask.firstToken),
    decode: tenths(Math.max(0, spans.ask - ask.wait - ask.prefill - ask.firstToken)),
    total: tenths(spans.load + spans.encode + spans.ask),
  };
}

/** Rounded to a tenth of a millisecond. */
function tenths(ms: number): number {
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

export function isFailed(record: AskRecord): record is FailedRecord {
  return "error" in record;
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
