import { asFlashSlothError, type ErrorCode } from "../core/errors.ts";
import { BadRequest } from "../openai/bad-request.ts";

export interface ApiErrorOptions {
  readonly status: 400 | 401 | 403 | 404 | 408 | 413 | 415 | 422 | 429 | 500 | 503;
  /** its stable name */
  readonly code: string;
  readonly message: string;
  /** the field that is wrong. @default none in particular */
  readonly param?: string | undefined;
  /** @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Why a request is not answered, as its client hears of it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: ApiErrorOptions["status"];
  readonly code: string;
  readonly param: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor({ status, code, message, param, headers = {} }: ApiErrorOptions) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
    this.headers = headers;
  }

  /** One of OpenAI's. */
  get type(): string {
    if (this.status === 401) return "authentication_error";
    if (this.status === 403) return "permission_error";
    if (this.status === 429) return "rate_limit_error";
    return this.status >= 500 ? "server_error" : "invalid_request_error";
  }
}

const STATUSES: Readonly<Partial<Record<ErrorCode, ApiErrorOptions["status"]>>> = {
  usage: 400,
  "image-not-found": 400,
  "image-unreadable": 400,
  "image-invalid": 400,
  "image-too-large": 400,
  "question-too-long": 400,
  network: 400, // a picture could not be fetched
  constraint: 422,
  timeout: 503,
  interrupted: 503,
};

/** Anything thrown as what the client is told. @param field the one that the engine refuses, where it refuses any */
export function apiErrorOf(error: unknown, field?: string): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof BadRequest) {
    const { message, hint, param } = error;
    const full = hint === undefined ? message : `${message}: ${hint}`;
    return new ApiError({ status: 400, code: "invalid_value", message: full, param });
  }
  const failure = asFlashSlothError(error, "internal", "unexpected failure");
  const status = STATUSES[failure.code] ?? 500;
  // what went wrong in here is of no use to a client, and may say more than it should
  const message =
    status === 500 ? "the server failed; its log says more under this request's id" : failure.message;
  const { code } = failure;
  if (code === "question-too-long") {
    return new ApiError({ status, code: "context_length_exceeded", message, param: "messages" });
  }
  return new ApiError({ status, code, message, param: status === 400 ? field : undefined });
}
