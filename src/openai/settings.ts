import { isObject, type JsonObject } from "../core/json.ts";
import type { AskOptions } from "../engine/api.ts";
import { BadRequest, type KnownOfChat } from "./bad-request.ts";

/** How a request wants its question to be asked. */
export type ChatSettings = Partial<
  Pick<AskOptions, "maxTokens" | "temperature" | "topP" | "seed" | "constraint">
>;

/** What would change an answer and is not done here; what says nothing new (`n` of 1) may stand. */
const UNSUPPORTED: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: (value) => value === 1,
  stop: (value) => Array.isArray(value) && value.length === 0,
  tools: (value) => Array.isArray(value) && value.length === 0,
  functions: (value) => Array.isArray(value) && value.length === 0,
  logprobs: (value) => value === false,
  logit_bias: (value) => isObject(value) && Object.keys(value).length === 0,
  presence_penalty: (value) => value === 0,
  frequency_penalty: (value) => value === 0,
};

/** @throws BadRequest for a field that is not supported @param known of the request, for the error */
export function refuseUnsupported(body: JsonObject, known: KnownOfChat): void {
  for (const [name, harmless] of Object.entries(UNSUPPORTED)) {
    const value = body[name];
    if (value === undefined || value === null || harmless(value)) continue;
    throw new BadRequest(`\`${name}\` is not supported`, { param: name, hint: "leave it away", known });
  }
}

/** What a request's body sets, where it sets it. @throws BadRequest @param known of the request, for the error */
export function readSettings(body: JsonObject, known: KnownOfChat): ChatSettings {
  const number = (name: string, least: number, most: number, whole = false): number | undefined => {
    const value = body[name] ?? undefined;
    if (value === undefined) return undefined;
    const fits = typeof value === "number" && value >= least && value <= most;
    if (fits && (!whole || Number.isInteger(value))) return value;
    const message = `\`${name}\` is no ${whole ? "whole " : ""}number from ${least} to ${most}`;
    throw new BadRequest(message, { param: name, known });
  };
  const maxTokens =
    number("max_completion_tokens", 1, 1_000_000, true) ?? number("max_tokens", 1, 1_000_000, true);
  const temperature = number("temperature", 0, 100);
  const topP = number("top_p", 0, 1);
  const seed = number("seed", 0, 0xffff_ffff, true);
  const format = body["response_format"] ?? undefined;
  return {
    ...(maxTokens !== undefined && { maxTokens }),
    ...(temperature !== undefined && { temperature }),
    // nothing at all cannot be sampled from: OpenAI takes 0 for the likeliest token alone
    ...(topP !== undefined && (topP === 0 ? { temperature: 0 } : { topP })),
    ...(seed !== undefined && { seed }),
    ...(format !== undefined && formatOf(format, known)),
  };
}

function formatOf(format: unknown, known: KnownOfChat): ChatSettings {
  if (isObject(format) && format["type"] === "text") return {};
  const described = isObject(format) && format["type"] === "json_schema" ? format["json_schema"] : undefined;
  if (isObject(described) && isObject(described["schema"])) {
    return { constraint: { kind: "schema", schema: described["schema"] } };
  }
  throw new BadRequest("`response_format` is not supported as it stands", {
    param: "response_format",
    hint: 'give {"type": "json_schema", "json_schema": {"name": "…", "schema": {…}}}',
    known,
  });
}
