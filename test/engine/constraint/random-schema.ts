import type { Random } from "./random.ts";

export type Schema = boolean | { [keyword: string]: unknown };

/** Names and values that are awkward somewhere: in JSON, in grammars, in regular expressions, in JavaScript. */
const NAMES = [
  "a",
  "b",
  "c",
  "d",
  "e",
  "f",
  "g",
  "h",
  "aa",
  "aaa",
  "color",
  "count",
  "colour of the shape",
  'say "hi"',
  "back\\slash",
  "new\nline",
  "größe",
  "名前",
  "😀",
  "",
  "constructor",
  "toString",
  "[x]*",
];
const TEXTS = [
  "red",
  "red circle",
  "reddish",
  "",
  '"',
  "\\",
  "\n",
  "\u0000",
  "é",
  "日本",
  "😀",
  "]",
  "a-z",
  "-",
];
const NUMBERS = [0, 1, -1, 10, 100, 1.5, -0.25, 1e21, 1e-7];
const VALUES = [...TEXTS, ...NUMBERS, true, false, null, [], {}, [1, [2]], { a: 1, b: [null] }];
const PATTERNS = [
  "^[A-Z]{2}[0-9]{1,3}$",
  "^(red|green|blue)( and (red|green|blue))?$",
  "^\\d+$",
  "a+b",
  "^[^a-z]{2,5}$",
  "^(\\+\\d{1,3} )?\\d{3}-\\d{4}$",
  "^\\p{Lu}\\p{Ll}*$",
  '^["\\\\/]+$',
  "^.?$",
  "^(a|ab|abc)*$",
];

/** A schema of the supported subset, nested at most `depth` times; `names` may be referred to. */
export function randomSchema(random: Random, depth: number, names: readonly string[] = []): Schema {
  const leaf = depth === 0;
  const kinds = ["string", "string", "number", "integer", "boolean", "null", "enum", "const", "types"];
  const nested = ["object", "object", "object", "array", "array", "anyOf", "oneOf", "tuple", "map"];
  const all = [...kinds, ...(leaf ? [] : nested), ...(names.length > 0 && !leaf ? ["$ref"] : [])];
  const schema = make(random, random.pick(all), depth, names);
  if (typeof schema === "object" && random.chance(0.2)) schema["description"] = 'What "it" is: ::= |';
  return schema;
}

/** A schema with definitions, perhaps recursive ones. */
export function randomDocument(random: Random): Schema {
  if (random.chance(0.6)) return randomSchema(random, 3);
  const names = ["first", "second / one", "größe%"];
  const references = names.map(
    (name) => `#/$defs/${encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"))}`,
  );
  const $defs = Object.fromEntries(names.map((name) => [name, randomSchema(random, 2, references)]));
  return { $schema: "https://json-schema.org/draft/2020-12/schema", $defs, ...asObject(random, references) };
}

function asObject(random: Random, references: readonly string[]): { [keyword: string]: unknown } {
  const schema = make(random, "object", 2, references);
  return typeof schema === "object" ? schema : {};
}

function make(random: Random, kind: string, depth: number, names: readonly string[]): Schema {
  const inner = (): Schema => randomSchema(random, depth - 1, names);
  switch (kind) {
    case "string":
      return randomString(random);
    case "number":
    case "integer":
      return randomNumber(random, kind);
    case "types":
      return { type: random.some(["string", "integer", "number", "null", "boolean"], 0.5).concat("null") };
    case "enum":
      return { enum: Array.from({ length: 1 + random.below(5) }, () => random.pick(VALUES)) };
    case "const":
      return { const: random.pick(VALUES) };
    case "object":
      return randomObject(random, inner);
    case "map":
      return { type: "object", additionalProperties: inner() };
    case "array": {
      const min = random.below(3);
      return {
        type: "array",
        ...(random.chance(0.9) ? { items: inner() } : {}),
        ...(random.chance(0.5) ? { minItems: min } : {}),
        ...(random.chance(0.7) ? { maxItems: min + random.below(4) } : {}),
      };
    }
    case "tuple": {
      const prefixItems = Array.from({ length: 1 + random.below(3) }, inner);
      const items = random.chance(0.5) ? false : inner();
      return { prefixItems, items, minItems: random.below(prefixItems.length + 1) };
    }
    case "anyOf":
      return { anyOf: Array.from({ length: 1 + random.below(4) }, inner) };
    case "oneOf":
      return {
        oneOf: ["circle", "square", "line"].slice(0, 1 + random.below(3)).map((name) => ({
          type: "object",
          properties: { kind: { const: name }, value: inner() },
          required: ["kind"],
          additionalProperties: random.chance(0.5),
        })),
      };
    case "$ref":
      return { $ref: random.pick(names) };
    default:
      return { type: kind };
  }
}

function randomObject(random: Random, inner: () => Schema): Schema {
  const names = random.some(NAMES, 0.2);
  return {
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name, random.chance(0.03) ? true : inner()])),
    required: random.some(names, 0.5),
    ...(random.chance(0.3) ? { additionalProperties: random.chance(0.5) ? false : inner() } : {}),
  };
}

function randomString(random: Random): Schema {
  const choice = random.unit();
  if (choice < 0.15) return { type: "string", pattern: random.pick(PATTERNS) };
  if (choice < 0.3)
    return { format: random.pick(["date", "time", "date-time", "uuid", "ipv4"]), type: "string" };
  const minLength = random.below(5);
  return {
    type: "string",
    ...(random.chance(0.4) ? { minLength } : {}),
    ...(random.chance(0.6) ? { maxLength: minLength + random.below(30) } : {}),
  };
}

function randomNumber(random: Random, type: string): Schema {
  const scale = 10 ** random.below(6);
  const value = (): number =>
    Math.round((random.unit() - 0.5) * 2 * scale * 100) / (random.chance(0.5) ? 100 : 1);
  const low = value();
  const high = low + 1 + Math.abs(value());
  return {
    type,
    ...(random.chance(0.5) ? { [random.pick(["minimum", "exclusiveMinimum"])]: low } : {}),
    ...(random.chance(0.5)
      ? { [random.pick(["maximum", "exclusiveMaximum"])]: Number(high.toFixed(2)) }
      : {}),
  };
}
