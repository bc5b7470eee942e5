import { Validator } from "@cfworker/json-schema";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileSchema, type CompiledSchema } from "../../../src/engine/constraint/schema.ts";
import { sayAnything } from "./obedient.ts";
import { randomDocument, randomSchema, type Schema } from "./random-schema.ts";
import { Random } from "./random.ts";
import { loadVocabulary, type Vocabulary } from "./vocabularies.ts";

const tree = (alternatives: readonly Schema[]): Schema => ({
  $ref: "#/$defs/tree",
  $defs: { tree: { anyOf: alternatives } },
});

/** Characters that are several tokens in any vocabulary of ours: bytes, put together at random. */
const FOREIGN: Schema = { type: "string", pattern: "^[^\\x00-\\x7f\uFFFD]{2,5}$" };

/** Schemas that a random generator would hardly find. */
const ADVERSARIAL: readonly Schema[] = [
  true,
  {},
  { type: "object" },
  { type: "array" },
  { enum: [""] },
  { enum: Array.from({ length: 300 }, (_, index) => "a".repeat(index)) },
  { enum: Array.from({ length: 1000 }, (_, index) => index ** 2) },
  { const: { "\u0000\u001F\u007F\u2028": "\uD83D\uDE00", '"': ["\\", { "": null }] } },
  { type: "string", minLength: 1, maxLength: 1 },
  { type: "array", items: { type: "null" }, minItems: 30, maxItems: 30 },
  {
    type: "object",
    properties: { a: false, b: { type: "null" } },
    additionalProperties: { type: "integer" },
  },
  { type: "object", required: ["x"], additionalProperties: { enum: ["only this"] } },
  { type: "object", required: ["x", "y"], properties: { y: { const: 1 } } },
  {
    type: "object",
    properties: Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`p${index}`, { const: index }]),
    ),
    required: ["p50", "p99"],
  },
  tree([{ type: "null" }, { type: "array", items: { $ref: "#/$defs/tree" }, maxItems: 2 }]),
  tree([
    { type: "integer", minimum: 0 },
    {
      type: "object",
      properties: {
        op: { enum: ["+", "-"] },
        left: { $ref: "#/$defs/tree" },
        right: { $ref: "#/$defs/tree" },
      },
      required: ["op", "left", "right"],
      additionalProperties: false,
    },
  ]),
  { type: "object", properties: { self: { $ref: "#" }, name: { type: "string", maxLength: 3 } } },
  { oneOf: Array.from({ length: 50 }, (_, index) => ({ const: index, title: `number ${index}` })) },
  { oneOf: [{ type: "integer", maximum: -1 }, { type: "number", minimum: 0.5 }, { type: "string" }] },
  { prefixItems: [{ const: 1 }, { const: 2 }, { const: 3 }], items: false, minItems: 3 },
  { prefixItems: [{ const: 1 }, { const: 2 }], items: { const: 3 }, minItems: 1, maxItems: 4 },
  { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 },
  { type: "number", exclusiveMinimum: -0.001, exclusiveMaximum: 0.001 },
  { type: "number", minimum: -999999.999, maximum: -999.9 },
  { type: "number", exclusiveMaximum: 1_000_000, minimum: 999_999.99 },
  { type: "integer", minimum: -1.5, exclusiveMaximum: 2 },
  { type: "integer", minimum: 8, maximum: 1203 },
  { type: "string", pattern: '^[\\x00-\\x1f"\\\\/é😀]{3}$' },
  { type: "string", pattern: "needle", maxLength: 20 },
  { type: "string", pattern: "^(a+)+$", minLength: 3 },
  { type: "string", format: "date", pattern: "^20.*-02-29$" },
  { allOf: [{ $ref: "#/$defs/a%20b~1%25" }], $defs: { "a b/%": { type: "boolean" } } },
  {
    anyOf: [
      { type: "string", maxLength: 3 },
      { type: "string", minLength: 5, maxLength: 8 },
      { const: "abcd" },
    ],
  },
  {
    definitions: { point: { type: "array", items: { type: "integer" }, minItems: 2, maxItems: 2 } },
    items: { $ref: "#/definitions/point" },
  },
];

/** @returns whether it was finished; fails the test if it was and is wrong */
function check({ model }: Vocabulary, schema: Schema, compiled: CompiledSchema, seed: number): boolean {
  const said = sayAnything(model, compiled.grammar, seed);
  if (!said.finished) return false;
  const where = `${said.text} for ${JSON.stringify(schema)}`;
  expect(compiled.validateText(said.text), where).toBeUndefined();
  const other = new Validator(schema, "2020-12").validate(JSON.parse(said.text));
  expect(other.errors, where).toEqual([]);
  return true;
}

describe("every answer that the grammar lets end", () => {
  let small: Vocabulary;

  beforeAll(async () => {
    small = await loadVocabulary("small");
  });

  afterAll(async () => await small?.remove());

  it("obeys 500 random schemas by another validator than ours", async () => {
    const random = new Random(10);
    let [made, finished] = [0, 0];
    while (made < 500) {
      const schema = randomDocument(random);
      const compiled = await compileSchema(schema).catch((error: unknown) => {
        // definitions may turn out circular or endless; what is refused is tested elsewhere
        expect(error).toMatchObject({ code: "usage", message: /refers to itself|no finite value/ });
      });
      if (compiled === undefined) continue;
      made++;
      if (check(small, schema, compiled, made)) finished++;
    }
    expect(finished).toBeGreaterThan(485);
  });

  it("obeys adversarial schemas, three answers each", async () => {
    const unfinished: string[] = [];
    for (const schema of ADVERSARIAL) {
      const compiled = await compileSchema(schema);
      const ends = [1, 2, 3].map((seed) => check(small, schema, compiled, seed));
      if (!ends.includes(true)) unfinished.push(JSON.stringify(schema));
    }
    expect(unfinished).toEqual([]);
  });

  it("never spells a character in a way that a decoder would not take", async () => {
    const compiled = await compileSchema(FOREIGN);
    const texts = Array.from({ length: 100 }, (_, seed) => sayAnything(small.model, compiled.grammar, seed));
    expect(texts.filter(({ finished }) => finished).length).toBeGreaterThan(90);
    const wrong = texts.filter(({ finished, text }) => finished && compiled.validateText(text) !== undefined);
    expect(wrong).toEqual([]);
  });

  it("obeys with a full vocabulary, whose tokens are long and cut characters apart", async () => {
    const full = await loadVocabulary("full");
    try {
      let finished = 0;
      for (let seed = 0; seed < 8; seed++) {
        const properties = { name: FOREIGN, more: randomSchema(new Random(100 + seed), 2) };
        const schema: Schema =
          seed % 2 === 0
            ? { type: "object", properties, required: ["name"] }
            : (ADVERSARIAL[seed * 4] ?? true);
        if (check(full, schema, await compileSchema(schema), seed)) finished++;
      }
      expect(finished).toBeGreaterThan(5);
    } finally {
      await full.remove();
    }
  });
});
