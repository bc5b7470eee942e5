/** JSON's types by their names in a schema; `integer` is a number without a fraction. */
export type TypeName = "object" | "array" | "string" | "number" | "integer" | "boolean" | "null";

export const TYPE_NAMES: readonly TypeName[] = [
  "object",
  "array",
  "string",
  "number",
  "integer",
  "boolean",
  "null",
];

/** They say nothing about values. (`$id` only stands at the root: further in it would turn references around.) */
export const ANNOTATIONS: ReadonlySet<string> = new Set([
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
  "$schema",
  "$id",
  "$comment",
  "discriminator", // OpenAPI's note on oneOf, which pydantic writes
]);

/** Named schemas for `$ref`; `definitions` is the name of drafts up to 7. */
export const DEFINITIONS: readonly string[] = ["$defs", "definitions"];

/** Keywords that are all there is to a schema: at most one of them, and nothing but annotations beside it. */
export const WHOLE_KEYWORDS: readonly string[] = ["$ref", "anyOf", "oneOf", "allOf"];

/** Keywords that list the values; only `type` may stand beside them. */
export const VALUE_KEYWORDS: readonly string[] = ["enum", "const"];

/** What a keyword is about: without `type` it is that type which is meant. */
export const KEYWORD_TYPES: Readonly<Record<string, TypeName>> = {
  properties: "object",
  required: "object",
  additionalProperties: "object",
  items: "array",
  prefixItems: "array",
  minItems: "array",
  maxItems: "array",
  minLength: "string",
  maxLength: "string",
  pattern: "string",
  format: "string",
  minimum: "number",
  maximum: "number",
  exclusiveMinimum: "number",
  exclusiveMaximum: "number",
};

const CASES = "write the cases as anyOf";
const REFER = 'refer with "$ref": "#/$defs/name"';

/** What to write instead of a keyword that we do not support. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ["not", "list what is wanted with enum or anyOf"],
  ["if", CASES],
  ["then", CASES],
  ["else", CASES],
  ["dependentRequired", CASES],
  ["dependentSchemas", CASES],
  ["dependencies", CASES],
  ["patternProperties", "name the properties, or use additionalProperties"],
  ["propertyNames", "name the properties"],
  ["unevaluatedProperties", "use additionalProperties"],
  ["unevaluatedItems", "use items"],
  ["additionalItems", "use prefixItems and items"],
  ["minProperties", "list what must be there in required"],
  ["maxProperties", "name the properties"],
  ["uniqueItems", "leave it out, and drop duplicates from the answer"],
  ["contains", "describe all items with items"],
  ["multipleOf", "leave it out, or list the numbers with enum"],
  ["nullable", 'write "type": ["string", "null"]'],
  ["$anchor", REFER],
  ["$dynamicRef", REFER],
  ["$dynamicAnchor", REFER],
  ["$recursiveRef", REFER],
  ["id", 'write "$id"'],
]);

export function insteadOf(keyword: string): string {
  return INSTEAD.get(keyword) ?? "leave it out: a schema may only use what answers can be held to";
}

/** A program that copies an object may take this name for its prototype: no property is called so. */
export const UNSAFE_NAME = "__proto__";
