import { MAX_DEPTH, MAX_SCHEMA_BYTES } from "./limits.ts";
import { refusal } from "./refusal.ts";

/** Plain JSON data, as `JSON.parse` makes it. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };

/**
 * A copy of the schema that is certainly plain data.
 * @throws `usage` for what JSON cannot say, for more than `MAX_SCHEMA_BYTES` and for more than `MAX_DEPTH` levels
 */
export function plainCopy(schema: unknown): Json {
  let text: string | undefined;
  try {
    text = JSON.stringify(schema) as string | undefined;
  } catch (error) {
    throw refusal("", `not plain JSON (${String(error)})`, "pass an object as JSON.parse makes it");
  }
  if (text === undefined) {
    throw refusal(
      "",
      `${typeof schema} is no JSON`,
      'pass a schema such as {"type": "object", "properties": {}}',
    );
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_SCHEMA_BYTES) {
    throw refusal(
      "",
      `${bytes} bytes, and ${MAX_SCHEMA_BYTES} is the most`,
      "split the question into several",
    );
  }
  const copy = JSON.parse(text) as Json;
  if (!isShallow(copy, MAX_DEPTH)) {
    throw refusal(
      "",
      `nested deeper than ${MAX_DEPTH} levels`,
      'give inner parts a name under "$defs" and "$ref" to them',
    );
  }
  return copy;
}

function isShallow(value: Json, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((part) => isShallow(part, levels - 1));
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** `value` with the keys of every object sorted: equal values have equal texts. */
export function canonicalText(value: Json): string {
  return JSON.stringify(value, (_, part: Json) =>
    isObject(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : Number(a > b))))
      : part,
  );
}
