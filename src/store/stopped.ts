import { FlashSlothError } from "../core/errors.ts";

/** `work`, with whatever an abort made it throw turned into one `interrupted` error. */
export async function untilStopped<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal?.aborted !== true) throw error;
    throw new FlashSlothError("interrupted", "stopped", {
      cause: error,
      hint: "run the same command again: it goes on where it stopped",
    });
  }
}
