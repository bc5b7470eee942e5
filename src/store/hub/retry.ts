import { setTimeout as sleep } from "node:timers/promises";
import { FlashSlothError } from "../../core/errors.ts";

/** How patient the client is. Every field can be set in tests. */
export interface Patience {
  /** failures in a row, without a byte in between, before it gives up. @default 8 */
  readonly attempts: number;
  /** first pause in ms; doubled each time, up to `longestPauseMs`. @default 500 */
  readonly pauseMs: number;
  /** @default 30000 */
  readonly longestPauseMs: number;
  /** the longest that a server may ask to wait (429, 503) before that counts as a refusal. @default 300000 */
  readonly longestRetryAfterMs: number;
  /** ms without a byte after which a connection counts as dead. @default 30000 */
  readonly stallMs: number;
  /** ms until a server must have accepted a connection. @default 15000 */
  readonly connectMs: number;
}

export const PATIENCE: Patience = {
  attempts: 8,
  pauseMs: 500,
  longestPauseMs: 30_000,
  longestRetryAfterMs: 300_000,
  stallMs: 30_000,
  connectMs: 15_000,
};

/** A failure that may be gone on the next attempt. Never leaves the hub client: the last one becomes its `error`. */
export class Transient extends Error {
  override readonly name = "Transient";
  readonly error: FlashSlothError;
  /** what the server asked for; undefined: back off as usual */
  readonly retryAfterMs: number | undefined;

  constructor(error: FlashSlothError, retryAfterMs?: number) {
    super(error.message, { cause: error });
    this.error = error;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface Attempt {
  /** Called when something good arrived: failures before it no longer count. */
  succeeded(): void;
}

export interface RetryOptions {
  readonly patience: Patience;
  /** Told before each pause. */
  readonly onRetry?: ((reason: FlashSlothError, pauseMs: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `task` until it does not throw `Transient`, with pauses that double and are jittered (half to whole), or last as
 * long as the server asked for.
 * @throws the error inside the last `Transient`; anything else that `task` throws, at once
 */
export async function withRetries<T>(
  options: RetryOptions,
  task: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const { patience, onRetry, signal } = options;
  let failures = 0;
  const attempt: Attempt = {
    succeeded: () => {
      failures = 0;
    },
  };
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await task(attempt);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof Transient)) throw error;
      failures += 1;
      const asked = error.retryAfterMs;
      if (failures >= patience.attempts || (asked ?? 0) > patience.longestRetryAfterMs) throw error.error;
      const grown = Math.min(patience.longestPauseMs, patience.pauseMs * 2 ** (failures - 1));
      const pause = asked ?? grown * (0.5 + Math.random() / 2);
      onRetry?.(error.error, pause);
      await sleep(pause, undefined, { signal });
    }
  }
}

/** `Retry-After` (seconds or a date), else the `t=` of a `RateLimit` header, in ms from `now`. */
export function retryAfter(
  headers: { readonly retryAfter?: string | undefined; readonly rateLimit?: string | undefined },
  now: number = Date.now(),
): number | undefined {
  const { retryAfter: after, rateLimit } = headers;
  if (after !== undefined) {
    if (/^\d+$/.test(after.trim())) return Number(after) * 1000;
    const date = Date.parse(after);
    if (!Number.isNaN(date)) return Math.max(0, date - now);
  }
  const seconds = /(?:^|;)\s*t=(\d+)/.exec(rateLimit ?? "")?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
