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

/** The exit status of a search, as `grep` has it: 0 something was found, 1 nothing, 2 there was trouble. */
export function statusOfSearch(counts: { matches: number; failed: number }): number {
  if (counts.failed > 0) return EXIT.usage;
  return counts.matches > 0 ? EXIT.ok : EXIT.failed;
}

/** The exit status of a command that ended by an error: `grep` says with 1 that nothing was found, so trouble is always 2 there. */
export function statusOfTrouble(command: string | undefined, status: number): number {
  return command === "grep" && status !== EXIT.ok && status < EXIT.interrupted ? EXIT.usage : status;
}

/** The exit status after a signal, by the shell's convention of 128 + its number. */
export function statusOfSignal(signal: NodeJS.Signals): number {
  return signal === "SIGTERM" ? EXIT.terminated : EXIT.interrupted;
}
