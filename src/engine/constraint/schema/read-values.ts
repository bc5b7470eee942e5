import { canonicalText, isArray, isObject, type Json, type JsonObject } from "./document.ts";
import { KEYWORD_TYPES, TYPE_NAMES, type TypeName } from "./keywords.ts";
import type { SchemaNode } from "./nodes.ts";
import { refusal } from "./refusal.ts";

/** `type`, or what the keywords are about; undefined where any value is meant. */
export function typesOf(schema: JsonObject, keywords: readonly string[], at: string): TypeName[] | undefined {
  if (Object.hasOwn(schema, "type")) {
    const type = schema["type"] ?? null;
    const names = new Set(isArray(type) ? type : [type]);
    const known = TYPE_NAMES.filter((name) => names.has(name));
    if (known.length === 0 || known.length < names.size) {
      throw refusal(
        at,
        `"type" ${JSON.stringify(type).slice(0, 80)} is not known`,
        `the types are ${TYPE_NAMES.join(", ")}`,
      );
    }
    return known.includes("number") ? known.filter((name) => name !== "integer") : known;
  }
  const implied = new Set(keywords.flatMap((keyword) => KEYWORD_TYPES[keyword] ?? []));
  return implied.size === 0 ? undefined : [...implied];
}

export function readValues(
  keyword: string,
  value: Json,
  types: readonly TypeName[] | undefined,
  at: string,
): SchemaNode {
  if (keyword === "enum" && !isArray(value)) {
    throw refusal(at, '"enum" must be a list', "list the values");
  }
  const values = keyword === "enum" && isArray(value) ? value : [value];
  const fitting = values.filter((one) => types === undefined || types.some((type) => hasType(one, type)));
  if (fitting.length === 0) {
    throw refusal(
      at,
      `no value of "${keyword}" ${values.length === 0 ? "is left to choose" : 'has the "type"'}`,
      'list at least one value that fits "type"',
    );
  }
  const texts = new Map(fitting.map((one) => [canonicalText(one), JSON.stringify(one)]));
  return { kind: "literal", at, texts: [...texts.values()] };
}

function hasType(value: Json, type: TypeName): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return isArray(value);
    case "object":
      return isObject(value);
    case "integer":
      return Number.isInteger(value);
    case "boolean":
    case "number":
    case "string":
      return typeof value === type;
  }
}
