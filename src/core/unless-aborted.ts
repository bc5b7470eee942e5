import { FlashSlothError } from "./errors.ts";

/**
 * The same as `work`, which goes on whoever stops waiting for it.
 * @param message what an abort is told as
 * @throws what `work` throws; `interrupted` as soon as the signal is aborted
 */
export async function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  message: string,
): Promise<T> {
  if (signal === undefined) return await work;
  return await new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(new FlashSlothError("interrupted", message));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
