import { isObject, type JsonObject } from "../core/json.ts";
import { BadRequest, type KnownOfChat } from "./bad-request.ts";

/** What is read. */
const READ: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "max_tokens",
  "max_completion_tokens",
  "temperature",
  "top_p",
  "seed",
  "stop",
  "response_format",
  "choices",
]);

/** What says nothing about the answer: who asks, how it is billed, stored or cached elsewhere. */
const HARMLESS: ReadonlySet<string> = new Set([
  "user",
  "metadata",
  "store",
  "service_tier",
  "safety_identifier",
  "prompt_cache_key",
  "prompt_cache_retention",
  "parallel_tool_calls",
]);

const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

/** What would change an answer and is not done here, where it does not say what is so anyway (`n` of 1). */
const NEUTRAL: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ["n", (value) => value === 1],
  ["stream", (value) => value === false],
  ["logprobs", (value) => value === false],
  ["top_logprobs", (value) => value === 0],
  ["tools", isEmpty],
  ["tool_choice", (value) => value === "none" || value === "auto"],
  ["functions", isEmpty],
  ["function_call", (value) => value === "none" || value === "auto"],
  ["modalities", (value) => Array.isArray(value) && value.length === 1 && value[0] === "text"],
  ["reasoning_effort", (value) => value === "none"],
  ["logit_bias", (value) => isObject(value) && Object.keys(value).length === 0],
  ["presence_penalty", (value) => value === 0],
  ["frequency_penalty", (value) => value === 0],
  ["repetition_penalty", (value) => value === 1],
  ["top_k", (value) => value === 0 || value === -1],
  ["min_p", (value) => value === 0],
]);

export interface FieldsOptions {
  /** Names that the caller reads by itself. @default none */
  readonly also?: ReadonlySet<string> | undefined;
  /** What could be read of the request, for the error. */
  readonly known: KnownOfChat;
}

/** Null stands for what is not given. @throws BadRequest for a field that would have to change the answer, and cannot */
export function refuseUnknown(body: JsonObject, { also, known }: FieldsOptions): void {
  for (const [name, value] of Object.entries(body)) {
    if (value === null || READ.has(name) || HARMLESS.has(name) || also?.has(name) === true) continue;
    if (NEUTRAL.get(name)?.(value) === true) continue;
    throw new BadRequest(`\`${name}\` is not supported`, { param: name, hint: "leave it away", known });
  }
}
