import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileSchema, type CompiledSchema } from "../../../src/engine/constraint/schema.ts";
import { NativeGrammar } from "../../../src/language/ffi/grammar.ts";
import { randomDocument } from "./random-schema.ts";
import { Random } from "./random.ts";
import { loadVocabulary, type Vocabulary } from "./vocabularies.ts";

const KEYWORDS =
  "type enum const properties required additionalProperties items prefixItems minItems maxItems anyOf oneOf allOf $ref $defs " +
  "minLength maxLength pattern format minimum exclusiveMaximum title not __proto__ constructor a";
const KEYS = [...KEYWORDS.split(" "), ""];
const WORDS =
  "object array string integer date # #/items #/$defs/a #/anyOf/0 a __proto__ (a*)* ^.{0,60}$".split(" ");
const NUMBERS = [0, 1, -1, 3, 1999, 2000, 10_000, 1e15, 1e300, 5e-324, 0.1];
const SCALARS = [...WORDS, ...NUMBERS, true, false, null, "\uD800", "\u0000", '"', "x".repeat(300)];

/** Any JSON, with a liking for what schemas consist of. */
function randomJson(random: Random, depth: number): unknown {
  const choice = random.unit();
  if (depth === 0 || choice < 0.25) return random.pick(SCALARS);
  if (choice < 0.45) return Array.from({ length: random.below(5) }, () => randomJson(random, depth - 1));
  const keys = Array.from({ length: random.below(4) }, () => random.pick(KEYS));
  return Object.fromEntries(keys.map((key) => [key, randomJson(random, depth - 1)]));
}

/** Puts random JSON somewhere into a schema that was right. */
function damaged(random: Random): unknown {
  const text = JSON.stringify(randomDocument(random));
  const places = [...text.matchAll(/(?<=[:[,])(?:"[^"]*"|\d+|true|false|null|\{\}|\[\])(?=[,}\]])/g)];
  if (places.length === 0) return randomJson(random, 3);
  const place = random.pick(places);
  const end = place.index + place[0].length;
  return JSON.parse(text.slice(0, place.index) + JSON.stringify(randomJson(random, 2)) + text.slice(end));
}

/** Schemas made to be slow or large somewhere. */
const HOSTILE: readonly unknown[] = [
  {
    $defs: Object.fromEntries(
      Array.from({ length: 498 }, (_, i) => [`d${i}`, { $ref: `#/$defs/d${Math.min(i + 1, 497)}` }]),
    ),
  },
  {
    $defs: Object.fromEntries(
      Array.from({ length: 240 }, (_, i) => [
        `d${i}`,
        i === 239 ? {} : { properties: { a: { $ref: `#/$defs/d${i + 1}` } } },
      ]),
    ),
  },
  { oneOf: Array.from({ length: 499 }, (_, i) => ({ const: i })) },
  { prefixItems: Array.from({ length: 100 }, (_, i) => ({ pattern: `^(\\p{L}|\\p{N}){0,${i}}$` })) },
  { pattern: "^(\\p{L}|\\p{Lu}\\p{N}){0,400}$" },
  { pattern: "((((a?){9}){9}){9}){9}" },
  { pattern: `${"(".repeat(5000)}a${")".repeat(5000)}` },
  { pattern: "[".repeat(20_000) },
  { enum: Array.from({ length: 9000 }, (_, i) => `${i * 7919}`) },
  { enum: Array.from({ length: 480 }, (_, i) => "a".repeat(i)) },
  {
    additionalProperties: true,
    properties: Object.fromEntries(Array.from({ length: 128 }, (_, i) => [`${i}${"x".repeat(120)}`, false])),
  },
  { items: { items: { maxLength: 9999 }, maxItems: 9999 }, minItems: 9999 },
  {
    anyOf: Array.from({ length: 128 }, (_, i) => ({
      properties: { [`a${i % 9}`]: { minLength: i } },
      required: [`a${i % 9}`],
    })),
  },
];

describe("a schema that comes from anyone", () => {
  let small: Vocabulary;

  beforeAll(async () => {
    small = await loadVocabulary("small");
  });

  afterAll(async () => await small?.remove());

  /** Compiles it, or sees that it is refused in our words; then llama.cpp must be able to read the grammar. */
  async function survive(schema: unknown): Promise<boolean> {
    let compiled: CompiledSchema;
    try {
      compiled = await compileSchema(schema);
    } catch (error) {
      expect(error, JSON.stringify(schema).slice(0, 2000)).toMatchObject({ code: "usage" });
      return false;
    }
    const native = new NativeGrammar({ model: small.model, grammar: compiled.grammar });
    native.mask(new Float32Array(small.model.vocabSize));
    native.dispose();
    return true;
  }

  it("is compiled or refused: random JSON", async () => {
    const random = new Random(77);
    let compiled = 0;
    for (let count = 0; count < 2000; count++) if (await survive(randomJson(random, 5))) compiled++;
    expect(compiled).toBeGreaterThan(50);
  });

  it("is compiled or refused: damaged schemas", async () => {
    const random = new Random(78);
    let compiled = 0;
    for (let count = 0; count < 500; count++) if (await survive(damaged(random))) compiled++;
    expect(compiled).toBeGreaterThan(50);
  });

  it("takes no long time: hostile schemas", async () => {
    const slow: string[] = [];
    for (const schema of HOSTILE) {
      const before = process.cpuUsage();
      await survive(schema);
      const { user, system } = process.cpuUsage(before);
      if (user + system > 3_000_000)
        slow.push(`${(user + system) / 1e6} s: ${JSON.stringify(schema).slice(0, 80)}`);
    }
    expect(slow).toEqual([]);
  });
});
