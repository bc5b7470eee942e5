/** Who waits for which signal: each signal is listened to once, however many questions share it. */
export class Aborts {
  readonly #waiting = new Map<
    AbortSignal,
    { readonly aborts: Set<() => void>; readonly listener: () => void }
  >();

  /** Calls `abort` once when `signal` is aborted, at once if it is already. @returns what ends the waiting */
  on(signal: AbortSignal, abort: () => void): () => void {
    if (signal.aborted) {
      abort();
      return () => {};
    }
    const { aborts } = this.#waiting.get(signal) ?? this.#listen(signal);
    aborts.add(abort);
    return () => {
      aborts.delete(abort);
      if (aborts.size === 0) this.#forget(signal);
    };
  }

  #listen(signal: AbortSignal): { readonly aborts: Set<() => void>; readonly listener: () => void } {
    const aborts = new Set<() => void>();
    const listener = (): void => {
      this.#forget(signal);
      for (const abort of aborts) abort();
    };
    const entry = { aborts, listener };
    this.#waiting.set(signal, entry);
    signal.addEventListener("abort", listener, { once: true });
    return entry;
  }

  #forget(signal: AbortSignal): void {
    const entry = this.#waiting.get(signal);
    if (entry === undefined) return;
    this.#waiting.delete(signal);
    signal.removeEventListener("abort", entry.listener);
  }
}
