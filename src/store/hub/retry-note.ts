import type { OnStoreProgress } from "../progress.ts";
import type { RetryOptions } from "./retry.ts";

/** Several files lose the same connection at nearly the same time. */
const SAME_NOTE_MS = 1000;

/** Says why there is a pause; of several files with the same trouble, once. */
export function noteRetries(onProgress: OnStoreProgress | undefined): RetryOptions["onRetry"] {
  let last = { message: "", at: -Infinity };
  return ({ message }, pauseMs) => {
    const at = performance.now();
    if (message === last.message && at - last.at < SAME_NOTE_MS) return;
    last = { message, at };
    const seconds = Math.max(1, Math.round(pauseMs / 1000));
    onProgress?.({ stage: "note", message: `${message}; trying again in ${seconds} s` });
  };
}
