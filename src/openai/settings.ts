import { isObject, textOf, type JsonObject } from "../core/json.ts";
import type { AskOptions, Constraint } from "../engine/api.ts";
import { BadRequest, type KnownOfChat } from "./bad-request.ts";

/** How a request wants its question to be asked. */
export type ChatSettings = Partial<
  Pick<AskOptions, "maxTokens" | "temperature" | "topP" | "seed" | "stop" | "constraint">
>;

/** As many as OpenAI takes. */
const MOST_STOPS = 4;

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
  const stop = stopOf(body["stop"] ?? [], known);
  const constraint = constraintOf(body, known);
  if (stop.length > 0 && constraint !== undefined) {
    const message = "an answer that is constrained is whole, or it is none: nothing can stop it earlier";
    throw new BadRequest(message, { param: "stop", hint: "leave it away", known });
  }
  return {
    ...(maxTokens !== undefined && { maxTokens }),
    ...(temperature !== undefined && { temperature }),
    // nothing at all cannot be sampled from: OpenAI takes 0 for the likeliest token alone
    ...(topP !== undefined && (topP === 0 ? { temperature: 0 } : { topP })),
    ...(seed !== undefined && { seed }),
    ...(stop.length > 0 && { stop }),
    ...(constraint !== undefined && { constraint }),
  };
}

function stopOf(given: unknown, known: KnownOfChat): readonly string[] {
  const stops: unknown[] = Array.isArray(given) ? given : [given];
  const texts = stops.filter((stop) => typeof stop === "string" && stop !== "");
  if (texts.length === stops.length && stops.length <= MOST_STOPS) return texts as string[];
  throw new BadRequest(`\`stop\` is no text, and no list of at most ${MOST_STOPS} texts`, {
    param: "stop",
    known,
  });
}

function constraintOf(body: JsonObject, known: KnownOfChat): Constraint | undefined {
  const format = body["response_format"] ?? undefined;
  const schema = format === undefined ? undefined : schemaOf(format, known);
  const choices = body["choices"] ?? undefined;
  if (choices === undefined) return schema;
  const texts = Array.isArray(choices) ? choices.map(textOf).filter((text) => text !== undefined) : [];
  if (!Array.isArray(choices) || choices.length === 0 || texts.length < choices.length) {
    throw new BadRequest("`choices` is no list of texts", { param: "choices", known });
  }
  if (schema !== undefined) {
    const message = "an answer is one of `choices` or follows a schema, not both";
    throw new BadRequest(message, { param: "choices", known });
  }
  return { kind: "choices", texts };
}

function schemaOf(format: unknown, known: KnownOfChat): Constraint | undefined {
  if (isObject(format) && format["type"] === "text") return undefined;
  const described = isObject(format) && format["type"] === "json_schema" ? format["json_schema"] : undefined;
  if (isObject(described) && isObject(described["schema"])) {
    return { kind: "schema", schema: described["schema"] };
  }
  throw new BadRequest("`response_format` is not supported as it stands", {
    param: "response_format",
    hint: 'give {"type": "json_schema", "json_schema": {"name": "…", "schema": {…}}}',
    known,
  });
}
