import { FlashSlothError } from "../core/errors.ts";
import { logSumExp } from "./log-sum-exp.ts";

/** As many as OpenAI gives. */
export const MOST_TOP_TOKENS = 20;

/** A token and the log-probability that the model gave it. */
export interface LikelyToken {
  readonly id: number;
  /** its text in UTF-8: a token may be a part of a character, and begins with the space before a word */
  readonly bytes: Uint8Array;
  readonly logprob: number;
}

/** A token of an answer. */
export interface TokenLogprob extends LikelyToken {
  /** the likeliest tokens in its place, the likeliest first */
  readonly top: readonly LikelyToken[];
}

/** @throws `usage` for a number of likeliest tokens that is out of range */
export function checkTopTokens(count: number | undefined): void {
  if (count === undefined || (Number.isInteger(count) && count >= 0 && count <= MOST_TOP_TOKENS)) return;
  throw new FlashSlothError("usage", `the ${count} likeliest tokens cannot be told`, {
    hint: `choose a number from 0 to ${MOST_TOP_TOKENS}`,
  });
}

/**
 * What the model itself gave to a token and to the likeliest in its place, before temperature, top-p and grammar.
 * @param logits float32 [vocabulary]
 */
export function tokenLogprob(options: {
  readonly logits: Float32Array;
  readonly token: number;
  readonly top: number;
  readonly bytesOf: (token: number) => Uint8Array;
}): TokenLogprob {
  const { logits, token, top, bytesOf } = options;
  const total = logSumExp(logits);
  const scored = (id: number): LikelyToken => ({
    id,
    bytes: bytesOf(id),
    logprob: (logits[id] ?? -Infinity) - total,
  });
  return { ...scored(token), top: likeliest(logits, top).map((id) => scored(id)) };
}

/** The indices of the greatest values, the greatest first. */
function likeliest(values: Float32Array, count: number): number[] {
  if (count === 0) return [];
  const best: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? -Infinity;
    const last = values[best.at(-1) ?? -1] ?? -Infinity;
    if (best.length === count && value <= last) continue;
    const at = best.findIndex((other) => value > (values[other] ?? -Infinity));
    best.splice(at === -1 ? best.length : at, 0, i);
    if (best.length > count) best.pop();
  }
  return best;
}
