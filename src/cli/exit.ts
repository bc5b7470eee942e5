import type { ErrorCode } from "../core/errors.ts";

/** What the shell sees. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** some pictures failed, others were answered */
  partial: 3,
  /** the model is not on this disk and may not or cannot be fetched */
  noModel: 4,
  interrupted: 130,
  terminated: 143,
} as const;

/** The exit status of a run that an error ended before any picture was tried. */
export function statusOf(code: ErrorCode): number {
  switch (code) {
    case "usage":
      return EXIT.usage;
    case "model-missing":
    case "network":
    case "access":
      return EXIT.noModel;
    case "interrupted":
      return EXIT.interrupted;
    default:
      return EXIT.failed;
  }
}

/** The exit status of a run that tried every picture, or stopped at the first that failed. */
export function statusOfRun(counts: {
  readonly answered: number;
  readonly failed: number;
  /** answered by earlier runs @default 0 */
  readonly skipped?: number;
}): number {
  if (counts.failed === 0) return EXIT.ok;
  return counts.answered + (counts.skipped ?? 0) === 0 ? EXIT.failed : EXIT.partial;
}

/** The exit status after a signal, by the shell's convention of 128 + its number. */
export function statusOfSignal(signal: NodeJS.Signals): number {
  return signal === "SIGTERM" ? EXIT.terminated : EXIT.interrupted;
}
