import { isArray, isObject, type JsonObject } from "./document.ts";
import { FORMATS } from "./formats.ts";
import { UNSAFE_NAME } from "./keywords.ts";
import { MAX_NAME_LENGTH, MAX_PROPERTIES, MAX_REPETITIONS } from "./limits.ts";
import type { ArrayNode, Member, ObjectNode, SchemaNode, StringNode } from "./nodes.ts";
import type { ReadSchema } from "./read.ts";
import { refusal, step } from "./refusal.ts";

/** `properties` in their order, then what `required` names besides. */
export function readObject(schema: JsonObject, at: string, read: ReadSchema): ObjectNode {
  const properties = readProperties(schema, at, read);
  const required = readRequired(schema, at);
  const closed = schema["additionalProperties"] === false;
  const others = readOthers(schema, at, read);
  for (const name of required) {
    if (properties.get(name)?.kind === "never" || (closed && !properties.has(name))) {
      throw refusal(
        at,
        `the property ${JSON.stringify(name)} is required and cannot be there`,
        properties.has(name)
          ? "its schema is false: take it out of required"
          : "describe it in properties: additionalProperties is false",
      );
    }
    if (!properties.has(name)) properties.set(name, others ?? { kind: "any", at });
  }
  if (properties.size > MAX_PROPERTIES) {
    throw refusal(
      at,
      `${properties.size} properties, and ${MAX_PROPERTIES} are the most`,
      "group them in objects",
    );
  }
  const long = [...properties.keys()].find((name) => name.length > MAX_NAME_LENGTH);
  if (long !== undefined) {
    throw refusal(at, `a property's name has ${long.length} characters`, `use at most ${MAX_NAME_LENGTH}`);
  }
  if (properties.has(UNSAFE_NAME)) {
    throw refusal(at, `a property cannot be called "${UNSAFE_NAME}"`, "give it another name");
  }
  const entries = [...properties];
  const members: Member[] = entries
    .filter(([, node]) => node.kind !== "never")
    .map(([name, node]) => ({ name, node, required: required.has(name) }));
  const forbidden = entries.filter(([, node]) => node.kind === "never").map(([name]) => name);
  // a schema that names its properties and is silent about others means just those
  const silent = !Object.hasOwn(schema, "additionalProperties");
  const none = others?.kind === "never" || (silent && Object.hasOwn(schema, "properties"));
  return {
    kind: "object",
    at,
    members,
    forbidden,
    others: none ? undefined : (others ?? { kind: "any", at }),
    closed,
  };
}

function readProperties(schema: JsonObject, at: string, read: ReadSchema): Map<string, SchemaNode> {
  const properties = schema["properties"] ?? {};
  if (!isObject(properties)) {
    throw refusal(at, '"properties" must be an object', "it holds schemas by the properties' names");
  }
  const where = step(at, "properties");
  return new Map(Object.entries(properties).map(([name, value]) => [name, read(value, step(where, name))]));
}

function readRequired(schema: JsonObject, at: string): Set<string> {
  const required = schema["required"] ?? [];
  const names = isArray(required) ? required.filter((name) => typeof name === "string") : [];
  if (!isArray(required) || names.length < required.length) {
    throw refusal(at, '"required" must be a list of names', 'write it beside "properties", as ["name"]');
  }
  return new Set(names);
}

function readOthers(schema: JsonObject, at: string, read: ReadSchema): SchemaNode | undefined {
  const value = schema["additionalProperties"];
  return value === undefined ? undefined : read(value, step(at, "additionalProperties"));
}

export function readArray(schema: JsonObject, at: string, read: ReadSchema): ArrayNode {
  const list = schema["prefixItems"] ?? [];
  if (!isArray(list)) throw refusal(at, '"prefixItems" must be a list', "list the first items' schemas");
  if (isArray(schema["items"])) {
    throw refusal(at, '"items" as a list is not supported', "write the list as prefixItems");
  }
  const prefix = list.map((value, index) => read(value, step(step(at, "prefixItems"), index)));
  const items: SchemaNode =
    schema["items"] === undefined ? { kind: "any", at } : read(schema["items"], step(at, "items"));
  const { min, max } = readCounts(schema, "minItems", "maxItems", at);
  return { kind: "array", at, prefix, items, min, max };
}

export function readString(schema: JsonObject, at: string): StringNode {
  const { min, max } = readCounts(schema, "minLength", "maxLength", at);
  const { pattern, format } = schema;
  if (pattern !== undefined && typeof pattern !== "string") {
    throw refusal(at, '"pattern" must be a string', 'such as "^[A-Z]{2}[0-9]+$"');
  }
  if (format !== undefined && (typeof format !== "string" || !Object.hasOwn(FORMATS, format))) {
    throw refusal(
      at,
      `"format" ${JSON.stringify(format).slice(0, 80)} is not supported`,
      `leave it out, or use one of ${Object.keys(FORMATS).join(", ")}`,
    );
  }
  return { kind: "string", at, min, max, pattern, format };
}

function readCounts(
  schema: JsonObject,
  least: string,
  most: string,
  at: string,
): { min: number; max: number | undefined } {
  for (const keyword of [least, most]) {
    const value = schema[keyword];
    if (value === undefined) continue;
    if (!Number.isInteger(value) || Number(value) < 0) {
      throw refusal(at, `"${keyword}" must be a whole number from 0`, `such as "${keyword}": 3`);
    }
    if (Number(value) > MAX_REPETITIONS) {
      throw refusal(
        at,
        `"${keyword}" is ${Number(value)}, and ${MAX_REPETITIONS} is the most`,
        `leave "${keyword}" out: an answer's length is bounded by the number of tokens`,
      );
    }
  }
  const min = Number(schema[least] ?? 0);
  const max = schema[most] === undefined ? undefined : Number(schema[most]);
  if (max !== undefined && min > max) {
    throw refusal(at, `"${least}" is ${min} and "${most}" is ${max}`, "no value has both");
  }
  return { min, max };
}
