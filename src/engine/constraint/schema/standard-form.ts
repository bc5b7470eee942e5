import { isArray, isObject, type Json, type JsonObject } from "./document.ts";
import { ANNOTATIONS, DEFINITIONS } from "./keywords.ts";
import { step } from "./refusal.ts";

/** Keywords that hold one schema, and those that hold a list of them; `properties` holds them by their names. */
const SCHEMAS: ReadonlySet<string> = new Set(["items", "additionalProperties"]);
const SCHEMA_LISTS: ReadonlySet<string> = new Set(["prefixItems", "anyOf", "oneOf", "allOf"]);

/**
 * The same schema without annotations, and with every schema that is referred to under "$defs" of the root by a number:
 * no name or address of the author's reaches the validator's own resolution of references.
 * @param targets JSON pointers of the schemas that are referred to
 */
export function standardForm(document: Json, targets: Iterable<string>): JsonObject {
  const names = new Map([...new Set(targets)].map((at, index) => [at, `schema-${index}`]));
  const definitions = new Map<string, Json>();

  const place = (schema: Json, at: string): Json => {
    const own = isObject(schema)
      ? Object.fromEntries(
          Object.entries(schema).flatMap(([key, value]) => keyword(key, value, step(at, key))),
        )
      : schema;
    const name = names.get(at);
    if (name === undefined) return own;
    definitions.set(name, own);
    return { $ref: `#/$defs/${name}` };
  };
  const placeAll = (schemas: JsonObject, at: string): JsonObject =>
    Object.fromEntries(
      Object.entries(schemas).map(([name, schema]) => [name, place(schema, step(at, name))]),
    );
  const keyword = (key: string, value: Json, at: string): [string, Json][] => {
    if (ANNOTATIONS.has(key)) return [];
    if (key === "$ref" && typeof value === "string") {
      return [[key, `#/$defs/${names.get(decodeURIComponent(value.slice(1)))}`]];
    }
    if (key === "properties" && isObject(value)) return [[key, placeAll(value, at)]];
    if (DEFINITIONS.includes(key) && isObject(value)) {
      placeAll(value, at);
      return [];
    }
    if (SCHEMA_LISTS.has(key) && isArray(value)) {
      return [[key, value.map((schema, index) => place(schema, step(at, index)))]];
    }
    return [[key, SCHEMAS.has(key) ? place(value, at) : value]];
  };

  const root = place(document, "");
  return { allOf: [root], $defs: Object.fromEntries(definitions) };
}
