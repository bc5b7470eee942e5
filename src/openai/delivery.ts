import { isObject, type JsonObject } from "../core/json.ts";
import type { ExplainOptions } from "../engine/api.ts";
import { BadRequest } from "./bad-request.ts";

/** How an answer is to be sent. */
export interface Delivery {
  /** as it comes */
  readonly stream: boolean;
  /** of a stream: with a last event that says how many tokens there were */
  readonly includeUsage: boolean;
  /** How many likeliest tokens are told beside each token. @default none is told */
  readonly logprobs: number | undefined;
  /** With where the model looked: a field of our own. @default without */
  readonly explain: ExplainOptions | undefined;
}

/** The fields of a body that `readDelivery` reads. */
export const DELIVERY_FIELDS: ReadonlySet<string> = new Set([
  "stream",
  "stream_options",
  "logprobs",
  "top_logprobs",
  "explain",
]);

/** As many as OpenAI gives. */
const MOST_TOP_LOGPROBS = 20;

/** @throws BadRequest */
export function readDelivery(body: JsonObject): Delivery {
  const stream = flag(body, "stream", "stream");
  const options = body["stream_options"] ?? undefined;
  if (options !== undefined && (!stream || !isObject(options))) {
    throw new BadRequest("`stream_options` is no object, or there is no stream", { param: "stream_options" });
  }
  for (const name of Object.keys(options ?? {})) {
    if (name === "include_usage" || name === "include_obfuscation") continue;
    throw new BadRequest(`\`stream_options.${name}\` is not supported`, { param: `stream_options.${name}` });
  }
  const wanted = flag(body, "logprobs", "logprobs");
  const top = body["top_logprobs"] ?? undefined;
  if (top !== undefined && !(wanted && isCount(top))) {
    const message = `\`top_logprobs\` is no whole number from 0 to ${MOST_TOP_LOGPROBS}, or comes without \`logprobs\``;
    throw new BadRequest(message, { param: "top_logprobs" });
  }
  return {
    stream,
    includeUsage: flag(options ?? {}, "include_usage", "stream_options.include_usage"),
    logprobs: wanted ? (isCount(top) ? top : 0) : undefined,
    explain: explainOf(body["explain"] ?? false),
  };
}

/** @param given true, false, or the layer */
function explainOf(given: unknown): ExplainOptions | undefined {
  if (given === false) return undefined;
  if (given === true) return {};
  if (given === "embq" || given === "sap") return { layer: given };
  throw new BadRequest('`explain` is neither true nor false, nor "embq" or "sap"', { param: "explain" });
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MOST_TOP_LOGPROBS;
}

function flag(object: JsonObject, name: string, param: string): boolean {
  const value = object[name] ?? false;
  if (typeof value === "boolean") return value;
  throw new BadRequest(`\`${param}\` is neither true nor false`, { param });
}
