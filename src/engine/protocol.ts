import { FlashSlothError, messageOf, type ErrorCode } from "../core/errors.ts";
import type {
  AskOptions,
  EncodedPicture,
  EncodePictureOptions,
  EngineInfo,
  PictureInput,
  TokenLogprob,
} from "./api.ts";

/** What a worker is asked to do. Each request is answered once, as soon as its work is done. */
export type Request =
  | {
      readonly kind: "encode";
      readonly input: PictureInput;
      readonly options: Omit<EncodePictureOptions, "signal">;
    }
  | {
      readonly kind: "ask";
      readonly picture: EncodedPicture;
      readonly options: AskOptions;
      /** whether new text is told as it comes */
      readonly streams: boolean;
    }
  | { readonly kind: "release"; readonly picture: EncodedPicture }
  | { readonly kind: "counters" }
  | { readonly kind: "dispose" };

export type ToWorker =
  | { readonly id: number; readonly request: Request }
  /** ends the work on request `abort` */
  | { readonly abort: number };

export type FromWorker =
  | { readonly ready: EngineInfo }
  | { readonly failed: PlainError }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: PlainError }
  | { readonly id: number; readonly text: string; readonly logprobs: readonly TokenLogprob[] | undefined };

/** An error as it crosses a thread: structured cloning would drop our class and its fields. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
  readonly stack: string | undefined;
}

export function plainError(error: unknown): PlainError {
  const stack = error instanceof Error ? error.stack : undefined;
  return error instanceof FlashSlothError
    ? { code: error.code, message: error.message, hint: error.hint, stack }
    : { code: "internal", message: messageOf(error), hint: undefined, stack };
}

export function revivedError(plain: PlainError): FlashSlothError {
  const error = new FlashSlothError(plain.code, plain.message, { hint: plain.hint });
  if (plain.stack !== undefined) error.stack = plain.stack;
  return error;
}
