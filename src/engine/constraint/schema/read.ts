import { isArray, isObject, type Json, type JsonObject } from "./document.ts";
import {
  ANNOTATIONS,
  DEFINITIONS,
  insteadOf,
  KEYWORD_TYPES,
  VALUE_KEYWORDS,
  WHOLE_KEYWORDS,
  type TypeName,
} from "./keywords.ts";
import { MAX_SUBSCHEMAS } from "./limits.ts";
import type { ChoiceNode, SchemaNode } from "./nodes.ts";
import { refusal, step } from "./refusal.ts";
import { readArray, readObject, readString } from "./read-types.ts";
import { readNumber } from "./read-number.ts";
import { readValues, typesOf } from "./read-values.ts";

/** Every schema of a document by its JSON pointer; "" is the document itself. */
export type Positions = ReadonlyMap<string, SchemaNode>;

/** Reads the schema at a place, and remembers it. */
export type ReadSchema = (schema: Json, at: string) => SchemaNode;

/**
 * Reads a document: all of it, whether anything refers to a part or not.
 * @throws `usage` naming the first keyword that is not supported or whose value is wrong, and where it stands
 */
export function readDocument(document: Json): Positions {
  const positions = new Map<string, SchemaNode>();
  const read: ReadSchema = (schema, at) => {
    if (positions.size >= MAX_SUBSCHEMAS) {
      throw refusal("", `more than ${MAX_SUBSCHEMAS} schemas in one`, "split the question into several");
    }
    positions.set(at, { kind: "never", at }); // counts from now on
    const node = readSchema(schema, at, read);
    positions.set(at, node);
    return node;
  };
  read(document, "");
  return positions;
}

function readSchema(schema: Json, at: string, read: ReadSchema): SchemaNode {
  if (schema === true) return { kind: "any", at };
  if (schema === false) return { kind: "never", at };
  if (!isObject(schema)) {
    throw refusal(
      at,
      `${JSON.stringify(schema).slice(0, 40)} is no schema`,
      "a schema is an object, true or false",
    );
  }
  for (const name of DEFINITIONS) readDefinitions(schema, name, at, read);
  const keywords = Object.keys(schema).filter(
    (keyword) => !ANNOTATIONS.has(keyword) && !DEFINITIONS.includes(keyword),
  );
  if (at !== "" && Object.hasOwn(schema, "$id")) {
    throw refusal(at, '"$id" is only supported at the root', "leave it out");
  }
  for (const keyword of keywords) checkKnown(keyword, at);
  const whole = keywords.find((keyword) => WHOLE_KEYWORDS.includes(keyword));
  if (whole !== undefined) {
    checkAlone(keywords, whole, [], at);
    return readWhole(whole, schema[whole] ?? null, at, read);
  }
  const values = keywords.find((keyword) => VALUE_KEYWORDS.includes(keyword));
  const types = typesOf(schema, keywords, at);
  if (values !== undefined) {
    checkAlone(keywords, values, ["type"], at);
    return readValues(values, schema[values] ?? null, types, at);
  }
  return readTypes(schema, keywords, types, at, read);
}

function readDefinitions(schema: JsonObject, name: string, at: string, read: ReadSchema): void {
  if (!Object.hasOwn(schema, name)) return;
  const definitions = schema[name];
  if (!isObject(definitions)) {
    throw refusal(at, `"${name}" must be an object`, "it holds schemas by their names");
  }
  for (const [key, value] of Object.entries(definitions)) read(value, step(step(at, name), key));
}

function checkKnown(keyword: string, at: string): void {
  const known =
    keyword === "type" ||
    WHOLE_KEYWORDS.includes(keyword) ||
    VALUE_KEYWORDS.includes(keyword) ||
    Object.hasOwn(KEYWORD_TYPES, keyword);
  if (!known) throw refusal(at, `${JSON.stringify(keyword)} is not supported`, insteadOf(keyword));
}

function checkAlone(
  keywords: readonly string[],
  keyword: string,
  allowed: readonly string[],
  at: string,
): void {
  const other = keywords.find((name) => name !== keyword && !allowed.includes(name));
  if (other === undefined) return;
  throw refusal(
    at,
    `"${other}" beside "${keyword}" is not supported`,
    `write all of it inside "${keyword}", or leave "${other}" out`,
  );
}

function readWhole(keyword: string, value: Json, at: string, read: ReadSchema): SchemaNode {
  if (keyword === "$ref") {
    if (typeof value !== "string" || !/^#(\/|$)/.test(value)) {
      throw refusal(
        at,
        `"$ref" ${JSON.stringify(value).slice(0, 80)} is not supported`,
        'it may only point into this schema, as "#/$defs/name"; nothing is fetched',
      );
    }
    return { kind: "reference", at, to: decodePointer(value, at) };
  }
  if (!isArray(value) || value.length === 0) {
    throw refusal(at, `"${keyword}" must be a list of at least one schema`, "list the schemas");
  }
  const of = value.map((schema, index) => read(schema, step(step(at, keyword), index)));
  const [only] = of;
  if (of.length === 1 && only !== undefined) return only;
  if (keyword === "allOf") {
    throw refusal(
      at,
      '"allOf" of several schemas is not supported',
      "write them as one schema; allOf may hold one",
    );
  }
  return { kind: "choice", at, of, exclusive: keyword === "oneOf" };
}

function decodePointer(reference: string, at: string): string {
  try {
    return decodeURIComponent(reference.slice(1));
  } catch {
    throw refusal(at, `"$ref" ${JSON.stringify(reference)} is no JSON pointer`, 'write it as "#/$defs/name"');
  }
}

function readTypes(
  schema: JsonObject,
  keywords: readonly string[],
  types: readonly TypeName[] | undefined,
  at: string,
  read: ReadSchema,
): SchemaNode {
  if (types === undefined) return { kind: "any", at };
  for (const keyword of keywords) {
    const about = KEYWORD_TYPES[keyword];
    const fits =
      about === undefined ||
      types.some((type) => type === about || (about === "number" && type === "integer"));
    if (!fits) {
      throw refusal(
        at,
        `"${keyword}" says nothing about "type" ${types.join(", ")}`,
        `leave "${keyword}" out, or correct "type"`,
      );
    }
  }
  const of = types.map((type) => readType(type, schema, at, read));
  const [only] = of;
  const choice: ChoiceNode = { kind: "choice", at, of, exclusive: false };
  return of.length === 1 && only !== undefined ? only : choice;
}

function readType(type: TypeName, schema: JsonObject, at: string, read: ReadSchema): SchemaNode {
  switch (type) {
    case "object":
      return readObject(schema, at, read);
    case "array":
      return readArray(schema, at, read);
    case "string":
      return readString(schema, at);
    case "number":
    case "integer":
      return readNumber(schema, at, type === "integer");
    case "boolean":
      return { kind: "literal", at, texts: ["true", "false"] };
    case "null":
      return { kind: "literal", at, texts: ["null"] };
  }
}
