/**
 * Every way flashsloth can fail, by the stable name that records, tests and scripts see.
 * Only the command line turns a code into an exit status.
 */
export type ErrorCode =
  /** the command line or an option object asks for something impossible */
  | "usage"
  /** a path or URL that should name a picture does not */
  | "image-not-found"
  /** the picture exists and may not be read */
  | "image-unreadable"
  /** the bytes are no picture that we decode, or a damaged one */
  | "image-invalid"
  /** the picture would need more memory than we are willing to give it */
  | "image-too-large"
  /** a line of a questions file that asks nothing that can be answered */
  | "question-invalid"
  /** the question does not fit into the model's context */
  | "question-too-long"
  /** the model is not on this disk and may not or cannot be fetched */
  | "model-missing"
  /** a checkpoint that contradicts itself, the published layout, or its own bytes */
  | "checkpoint-invalid"
  /** a converted model folder that is incomplete or altered */
  | "model-invalid"
  /** no space, no permission, a failed write */
  | "disk"
  /** a native library is missing, of another release, or refused to start */
  | "native"
  /** the device that was asked for does not work here */
  | "device"
  /** the network or the hub failed */
  | "network"
  /** the hub refuses access */
  | "access"
  /** the answer ended before it was what it had to be */
  | "constraint"
  /** the time given to one picture is over */
  | "timeout"
  /** stopped by the user */
  | "interrupted"
  /** a defect of ours */
  | "internal";

export interface FlashSlothErrorOptions {
  /** What to do next, as a command or an instruction. @default none */
  hint?: string | undefined;
  /** What went wrong below. @default none */
  cause?: unknown;
}

/** The one error that leaves this library: a stable `code`, a sentence for people, and a `hint` for what to do. */
export class FlashSlothError extends Error {
  override readonly name = "FlashSlothError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: FlashSlothErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** The message of anything thrown, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s*\n\s*/g, " ").trim();
}

/** `error` as one of ours: itself, or wrapped under `code` with `what` in front of its message. */
export function asFlashSlothError(
  error: unknown,
  code: ErrorCode,
  what: string,
  hint?: string,
): FlashSlothError {
  if (error instanceof FlashSlothError) return error;
  return new FlashSlothError(code, `${what}: ${messageOf(error)}`, { cause: error, hint });
}

/** The system's name of a failed call (`ENOENT`, `ENOSPC`, …), if it has one. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
