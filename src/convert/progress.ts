import { FlashSlothError } from "../core/errors.ts";

/**
 * The parts of a conversion, in order; `check` follows each file, `calibrate` comes before the encoder where it is mixed, `reference`
 * tries the model.
 */
export type ConvertStage =
  | "language"
  | "quantize"
  | "calibrate"
  | "vision"
  | "embq"
  | "queries"
  | "check"
  | "reference";

export interface ConvertProgress {
  readonly stage: ConvertStage;
  /**
   * bytes of this stage's output (in `check`: of the files just written; in `calibrate`: the encoder's blocks) that are finished;
   * `total` may be an estimate before the end
   */
  readonly done: number;
  readonly total: number;
}

/** Told how many of a file's bytes are written. */
export type OnWritten = (progress: { readonly written: number; readonly total: number }) => void;

/** @throws `interrupted` once `signal` is aborted */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw new FlashSlothError("interrupted", "the conversion was stopped", { cause: signal.reason });
  }
}
