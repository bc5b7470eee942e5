import { describe, expect, it } from "vitest";
import { compileSchema } from "../../../src/engine/constraint/schema.ts";

/** Everything of the drafts from 4 to 2020-12, and of OpenAPI, that we do not support. */
const UNSUPPORTED: readonly (readonly [keyword: string, value: unknown])[] = [
  ["not", {}],
  ["if", true],
  ["then", true],
  ["else", true],
  ["dependentRequired", {}],
  ["dependentSchemas", {}],
  ["dependencies", {}],
  ["patternProperties", {}],
  ["propertyNames", {}],
  ["unevaluatedProperties", false],
  ["unevaluatedItems", false],
  ["additionalItems", false],
  ["minProperties", 1],
  ["maxProperties", 1],
  ["uniqueItems", true],
  ["contains", {}],
  ["minContains", 1],
  ["maxContains", 1],
  ["multipleOf", 2],
  ["contentEncoding", "base64"],
  ["contentMediaType", "text/html"],
  ["contentSchema", {}],
  ["$anchor", "a"],
  ["$dynamicRef", "#a"],
  ["$dynamicAnchor", "a"],
  ["$recursiveRef", "#"],
  ["$recursiveAnchor", true],
  ["$vocabulary", {}],
  ["$async", true],
  ["$data", "1/a"],
  ["id", "x"],
  ["divisibleBy", 2],
  ["disallow", "string"],
  ["extends", {}],
  ["nullable", true],
  ["example", 1],
  ["xml", {}],
  ["x-order", 1],
  ["constructor", {}],
  ["toString", {}],
  ["propertys", {}],
];

const string = { type: "string" };
let nested: unknown = string;
for (let level = 0; level < 130; level++) nested = { items: nested };
const many = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Schema, where it is wrong, and what is said about it. */
const WRONG: readonly (readonly [what: string, schema: unknown, at: string, message: RegExp])[] = [
  ["no schema", 3, "", /3 is no schema/],
  ["null", null, "", /null is no schema/],
  ["a list", [], "", /\[\] is no schema/],
  ["nothing", undefined, "", /undefined is no JSON/],
  ["a function", () => true, "", /function is no JSON/],
  ["a bigint", { const: 1n }, "", /not plain JSON/],
  ["false", false, "", /no value is allowed/],
  ["an inner list", { properties: { a: [string] } }, "/properties/a", /is no schema/],
  ["an unknown type", { type: "text" }, "", /"type" "text" is not known/],
  ["one unknown of several", { type: ["string", "any"] }, "", /"any"/],
  ["no type", { type: [] }, "", /"type" \[\] is not known/],
  [
    "contradictory items",
    { items: { minItems: 3, maxItems: 2 } },
    "/items",
    /"minItems" is 3 and "maxItems" is 2/,
  ],
  ["contradictory lengths", { minLength: 3, maxLength: 2 }, "", /"minLength" is 3 and "maxLength" is 2/],
  ["contradictory numbers", { minimum: 3, maximum: 2 }, "", /no number lies within minimum and maximum/],
  ["no integer between", { type: "integer", exclusiveMinimum: 1, exclusiveMaximum: 2 }, "", /no integer/],
  ["an empty enum", { anyOf: [string, { enum: [] }] }, "/anyOf/1", /"enum" is left to choose/],
  ["an enum of another type", { enum: ["a"], type: "integer" }, "", /has the "type"/],
  ["an enum that is no list", { enum: { a: 1 } }, "", /"enum" must be a list/],
  ["an empty anyOf", { anyOf: [] }, "", /"anyOf" must be a list/],
  ["nothing but false", { anyOf: [false, false] }, "", /no value is allowed/],
  [
    "a required false",
    { properties: { "a/b": { properties: { c: false }, required: ["c"] } } },
    "/properties/a~1b",
    /"c" is required and cannot be there/,
  ],
  [
    "a required false by reference",
    { properties: { a: { $ref: "#/$defs/no" } }, required: ["a"], $defs: { no: false } },
    "",
    /no finite value/,
  ],
  ["required but closed", { required: ["c"], additionalProperties: false }, "", /"c" is required/],
  ["required items that are false", { items: false, minItems: 1 }, "", /no finite value/],
  ["endless", { properties: { next: { $ref: "#" } }, required: ["next"] }, "", /no finite value/],
  [
    "circular",
    { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { anyOf: [string, { $ref: "#/$defs/a" }] } } },
    "/$defs/a",
    /refers to itself/,
  ],
  ["a reference to nothing", { items: { $ref: "#/$defs/a" } }, "/items", /leads to #\/\$defs\/a/],
  ["a reference to no schema", { $ref: "#/enum/0", enum: [{}] }, "", /"enum" beside "\$ref"/],
  [
    "a reference into values",
    { anyOf: [{ $ref: "#/anyOf/1/const" }, { const: {} }] },
    "/anyOf/0",
    /no schema is there/,
  ],
  [
    "a reference elsewhere",
    { $ref: "https://example.com/schema.json" },
    "",
    /nothing is fetched|not supported/,
  ],
  ["a reference to a file", { $ref: "other.json#/a" }, "", /"\$ref" "other.json#\/a"/],
  ["a reference to an anchor", { $ref: "#name" }, "", /"\$ref" "#name"/],
  ["a reference that is no pointer", { $ref: "#/%E0" }, "", /no JSON pointer/],
  ["an inner $id", { items: { $id: "https://example.com/a" } }, "/items", /"\$id"/],
  ["a keyword beside anyOf", { anyOf: [string], type: "string" }, "", /"type" beside "anyOf"/],
  [
    "a keyword beside $ref",
    { $ref: "#/$defs/a", minLength: 1, $defs: { a: string } },
    "",
    /"minLength" beside "\$ref"/,
  ],
  ["a keyword beside enum", { enum: ["a"], minLength: 1 }, "", /"minLength" beside "enum"/],
  ["several in allOf", { allOf: [string, { minLength: 1 }] }, "", /"allOf" of several/],
  ["oneOf of the same", { oneOf: [string, { type: "string", maxLength: 3 }] }, "", /"oneOf"/],
  ["oneOf of numbers", { oneOf: [{ type: "integer" }, { type: "number" }] }, "", /"oneOf"/],
  [
    "oneOf of equal constants",
    { oneOf: [{ const: { a: 1, b: 2 } }, { enum: [3, { b: 2, a: 1 }] }] },
    "",
    /"oneOf"/,
  ],
  [
    "oneOf of open objects",
    { oneOf: [{ properties: { a: string } }, { properties: { b: string } }] },
    "",
    /"oneOf"/,
  ],
  ["a keyword for another type", { type: "string", minimum: 1 }, "", /"minimum" says nothing/],
  ["a count that is none", { minItems: -1 }, "", /"minItems" must be a whole number/],
  ["a count of text", { maxLength: "3" }, "", /"maxLength" must be a whole number/],
  ["a bound that is none", { minimum: "3" }, "", /"minimum" must be a number/],
  ["a bound of draft 4", { minimum: 3, exclusiveMinimum: true }, "", /"exclusiveMinimum" must be a number/],
  [
    "a bound beyond",
    { type: "integer", minimum: 1e15 },
    "",
    /"minimum" 1000000000000000 needs more than 15 digits/,
  ],
  ["a bound too fine", { maximum: 0.1234567890123456 }, "", /more than 15 digits/],
  ["bounds too far apart", { minimum: 1e-9, maximum: 1e9 }, "", /more than 15 digits together/],
  ["properties of no kind", { properties: [] }, "", /"properties" must be an object/],
  [
    "required of no kind",
    { properties: { a: { type: "string", required: true } } },
    "/properties/a",
    /says nothing|"required"/,
  ],
  ["required of numbers", { required: [1] }, "", /"required" must be a list/],
  ["items of draft 7", { items: [string] }, "", /"items" as a list/],
  ["prefixItems of no kind", { prefixItems: string }, "", /"prefixItems" must be a list/],
  ["definitions of no kind", { $defs: [] }, "", /"\$defs" must be an object/],
  ["a wrong definition, unused", { $defs: { a: { not: {} } } }, "/$defs/a", /"not"/],
  ["a pattern of no kind", { pattern: 1 }, "", /"pattern" must be a string/],
  ["a pattern that looks ahead", { items: { pattern: "a(?=b)" } }, "/items", /"pattern" is not supported/],
  ["an unknown format", { format: "iri" }, "", /"format" "iri" is not supported/],
  ["a format of the prototype", { format: "toString" }, "", /"format"/],
  ["a pattern and a length that exclude each other", { pattern: "^a$", minLength: 2 }, "", /no string has/],
  ["__proto__", JSON.parse('{"properties": {"__proto__": {"type": "string"}}}'), "", /__proto__/],
  ["a large count", { maxItems: 10_001 }, "", /10000 is the most/],
  ["too deep", nested, "", /nested deeper than 128 levels/],
  ["too many schemas", { prefixItems: many(500).map(() => string) }, "", /more than 500 schemas/],
  [
    "too many properties",
    { properties: Object.fromEntries(many(129).map((index) => [`p${index}`, true])) },
    "",
    /128 are the most/,
  ],
  ["too long a name", { properties: { ["x".repeat(129)]: true } }, "", /129 characters/],
  [
    "too many alternatives",
    { anyOf: many(129).map((index) => ({ minLength: index })) },
    "",
    /128 are the most/,
  ],
  ["too large", { const: "x".repeat(200_000) }, "", /131072 is the most/],
  [
    "too large a grammar",
    { prefixItems: many(30).map((index) => ({ minLength: 1000 + index })) },
    "",
    /too large for a grammar/,
  ],
  [
    "recursion that begins alike",
    {
      anyOf: [{ items: { $ref: "#" }, maxItems: 1 }, { items: { $ref: "#" }, maxItems: 2 }, { type: "null" }],
    },
    "",
    /more than 64 ways/,
  ],
];

describe("compileSchema", () => {
  it.each(UNSUPPORTED)("refuses %s by its name", async (keyword, value) => {
    const inner = { type: "object", [keyword]: value };
    await expect(compileSchema({ properties: { a: { items: inner } } })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining(`at /properties/a/items: ${JSON.stringify(keyword)} is not supported`),
      hint: expect.stringMatching(/\w{3}/),
    });
  });

  it.each(WRONG)("refuses %s and says where", async (_, schema, at, message) => {
    await expect(compileSchema(schema)).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/\w{3}/),
    });
    const place =
      at === ""
        ? /^the JSON schema(: | at [^:]*: )/
        : new RegExp(`^the JSON schema at ${at.replaceAll("$", "\\$")}[/:]`);
    await expect(compileSchema(schema)).rejects.toThrow(place);
  });

  it("ignores annotations and what hangs from prototypes", async () => {
    const plain = await compileSchema({ properties: { a: string } });
    const annotated = await compileSchema({
      $schema: "http://json-schema.org/draft-07/schema#",
      $id: "https://example.com/schema",
      $comment: "c",
      title: "t",
      description: "d",
      default: { a: 3 },
      examples: [1],
      discriminator: { propertyName: "a" },
      properties: {
        a: { ...string, title: "", default: null, deprecated: true, readOnly: true, writeOnly: false },
      },
    });
    expect(annotated.grammar).toBe(plain.grammar);
    expect(annotated.validate({ a: "x" })).toBeUndefined();
    expect(annotated.validate({ a: 1 })).toBe("/a must be string");
  });

  it("validates values, and texts that are JSON and nothing else", async () => {
    const { validate, validateText } = await compileSchema({
      type: "object",
      properties: { toString: { type: "integer" }, b: { pattern: "^a+$" }, c: { pattern: "^b+$" } },
      required: ["toString"],
    });
    expect(validate({ toString: 1, b: "aa", c: "b" })).toBeUndefined();
    expect(validate({})).toMatch(/required property 'toString'/);
    expect(validate({ toString: 1, c: "a" })).toMatch(/\/c must match pattern/);
    expect(validateText('{"toString":1}')).toBeUndefined();
    expect(validateText('{"toString":1')).toMatch(/^the answer is not JSON/);
    expect(validateText('{"toString":1} indeed')).toMatch(/^the answer is not JSON/);
    expect(validateText("[]")).toMatch(/must be object/);
  });

  it("reports a value too deep for the stack instead of falling over it", async () => {
    const { validate } = await compileSchema({ items: { $ref: "#" } });
    let value: unknown[] = [];
    for (let level = 0; level < 200_000; level++) value = [value];
    expect(validate(value)).toMatch(/cannot be checked/);
  });
});
