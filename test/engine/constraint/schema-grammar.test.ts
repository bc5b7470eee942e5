import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileSchema } from "../../../src/engine/constraint/schema.ts";
import { accepts } from "./accepts.ts";
import { loadVocabulary, type Vocabulary } from "./vocabularies.ts";

const TREE = {
  $ref: "#/$defs/node",
  $defs: {
    node: {
      type: "object",
      properties: { name: { type: "string" }, children: { items: { $ref: "#/$defs/node" } } },
      required: ["name"],
    },
  },
};
const SHAPES = {
  oneOf: [
    {
      type: "object",
      properties: { kind: { const: "circle" }, radius: { type: "number" } },
      required: ["kind", "radius"],
    },
    {
      type: "object",
      properties: { kind: { const: "square" }, side: { type: "number" } },
      required: ["kind", "side"],
    },
  ],
};
const OPTIONAL = {
  type: "object",
  properties: { a: { type: "null" }, b: { type: "null" }, c: { type: "null" }, d: { type: "null" } },
  required: ["b"],
};

/** Schema, texts that obey and must be sayable, texts that do not obey. */
const CASES: readonly (readonly [
  what: string,
  schema: unknown,
  right: readonly string[],
  wrong: readonly string[],
])[] = [
  [
    "boolean",
    { type: "boolean" },
    ["true", "false", " true"],
    ["True", "", "  true", "true ", "null", "tru"],
  ],
  ["type list", { type: ["integer", "null"] }, ["null", "-12", "0"], ["1.5", "-0", "01", '"1"', "nul"]],
  [
    "number",
    { type: "number" },
    ["0", "-0.5", "12.25", "1e21", "1E-7", "-2.5e+10"],
    [".5", "1.", "+1", "01", "1e", "1e999", "NaN", "Infinity"],
  ],
  [
    "string",
    { type: "string" },
    ['""', '"é 日本 😀"', String.raw`"\"\\\/\b\f\n\r\t\u0000\u20AC\ud7ff\uFFFF"`, '"</s> <learnable>"'],
    ["''", '"', '"a"b"', '"\n"', '"\t"', String.raw`"\x"`, String.raw`"\u12"`, String.raw`"\ud83d\ude00"`],
  ],
  [
    "lengths",
    { type: "string", minLength: 2, maxLength: 3 },
    ['"😀é"', String.raw`"\n\n\n"`],
    ['"a"', '"abcd"'],
  ],
  [
    "long strings",
    { type: "string", minLength: 2001, maxLength: 4500 },
    [2001, 3000, 3001, 4500].map(quoted),
    [2000, 4501].map(quoted),
  ],
  ["unbounded strings", { type: "string", minLength: 1500 }, [1500, 5000].map(quoted), [1499].map(quoted)],
  [
    "enum",
    { enum: ["red", "red circle", 'a "b"', 1, 1.5, null, { a: [1, {}] }] },
    ['"red"', '"red circle"', String.raw`"a \"b\""`, "1", "1.5", "null", '{"a":[1,{}]}'],
    ['"re"', '"red "', "1.", '{"a":[1]}', '"blue"'],
  ],
  ["enum and type", { enum: ["a", 1, 2.5], type: ["integer", "string"] }, ['"a"', "1"], ["2.5"]],
  ["const", { const: "日本" }, ['"日本"'], ['"日"', '"日本本"']],
  [
    "optional properties in order",
    OPTIONAL,
    [
      '{"b":null}',
      '{"a": null, "b": null, "c": null,"d":null}',
      '{"b":null,"d":null}',
      '{"a":null,"b":null, "d": null}',
    ],
    [
      "{}",
      '{"a":null}',
      '{"b":null,"a":null}',
      '{"b":null,}',
      '{"b":null,"b":null}',
      '{"b" :null}',
      '{ "b":null}',
      '{"b":  null}',
    ],
  ],
  [
    "all optional",
    { properties: { a: true, b: true } },
    ["{}", '{"b":[{}]}', '{"a":1,"b":"x"}'],
    ['{"c":1}', "[]"],
  ],
  ["no properties", { type: "object", properties: {} }, ["{}"], ['{"a":1}']],
  [
    "any object",
    { type: "object" },
    ["{}", '{"a": {"b": [1, "x", null]}, "c": true}'],
    ["[]", '{"":1}', '{"__proto__":1}'],
  ],
  [
    "additional properties",
    {
      properties: { ab: { const: 1 }, abc: false, 'q"': { const: 2 } },
      required: ["ab"],
      additionalProperties: { type: "null" },
    },
    [
      '{"ab":1}',
      '{"ab":1,"a":null}',
      '{"ab":1, "abcd": null, "x": null}',
      String.raw`{"ab":1,"q\"":2,"é":null}`,
      '{"ab":1,"__proto":null}',
    ],
    [
      '{"ab":1,"ab":null}',
      '{"ab":1,"abc":null}',
      '{"ab":1,"x":1}',
      '{"x":null}',
      '{"ab":1,"__proto__":null}',
      String.raw`{"ab":1,"\u0061":null}`,
    ],
  ],
  [
    "required alone",
    { type: "object", required: ["x"] },
    ['{"x":[]}', '{"x":1,"y":2}'],
    ["{}", '{"y":2}', '{"x":1,"x":2}'],
  ],
  [
    "array",
    { items: { type: "integer" } },
    ["[]", "[1]", "[1, 2,3]"],
    ["[1,]", "[,1]", "[1.5]", "[ 1]", "[1 ,2]"],
  ],
  [
    "counts",
    { items: { const: 0 }, minItems: 2, maxItems: 4 },
    ["[0,0]", "[0,0,0,0]"],
    ["[0]", "[]", "[0,0,0,0,0]"],
  ],
  ["exact count", { items: { const: 0 }, minItems: 1, maxItems: 1 }, ["[0]"], ["[]", "[0,0]"]],
  ["no items", { items: false }, ["[]"], ["[null]"]],
  [
    "tuple",
    { prefixItems: [{ const: 1 }, { const: 2 }], items: false },
    ["[]", "[1]", "[1, 2]"],
    ["[2]", "[1,2,3]"],
  ],
  [
    "tuple and more",
    { prefixItems: [{ const: 1 }, { const: 2 }], items: { const: 3 }, minItems: 2, maxItems: 4 },
    ["[1,2]", "[1,2,3,3]"],
    ["[1]", "[1,3]", "[1,2,3,3,3]"],
  ],
  [
    "tuple cut short",
    { prefixItems: [{ const: 1 }, false, { const: 3 }] },
    ["[]", "[1]"],
    ["[1,2]", "[1,3]"],
  ],
  [
    "anyOf",
    { anyOf: [{ type: "integer" }, { type: "string", maxLength: 1 }, false] },
    ["7", '"x"'],
    ["1.5", '"xy"'],
  ],
  [
    "oneOf",
    SHAPES,
    ['{"kind":"circle","radius":1}', '{"kind": "square", "side": 2.5}'],
    ['{"kind":"circle","side":1}', '{"kind":"square"}'],
  ],
  [
    "recursion",
    TREE,
    ['{"name":"a","children":[{"name":"b"},{"name":"c","children":[]}]}'],
    ['{"name":"a","children":[{}]}'],
  ],
  [
    "recursion with a tag",
    {
      oneOf: ["a", "b"].map((tag) => ({
        properties: { tag: { const: tag }, next: { $ref: "#" } },
        required: ["tag"],
        type: "object",
      })),
      discriminator: { propertyName: "tag" },
    },
    [`${'{"tag":"a","next":{"tag":"b","next":'.repeat(100)}{"tag":"a"}${"}}".repeat(100)}`],
    ['{"tag":"c"}', '{"next":{"tag":"a"},"tag":"b"}'],
  ],
  [
    "recursion told apart by the first name",
    {
      anyOf: ["left", "right"]
        .map((name) => ({
          type: "object",
          properties: { [name]: { $ref: "#" }, leaf: { type: "boolean" } },
          required: [name, "leaf"],
        }))
        .concat({ type: "object", properties: { leaf: { const: true } }, required: ["leaf"] } as never),
    },
    ['{"left":{"right":{"leaf":true},"leaf":false},"leaf":true}'],
    ['{"left":{"leaf":true},"right":{"leaf":true},"leaf":true}', '{"leaf":false}'],
  ],
  [
    "oneOf told apart by what is required",
    {
      oneOf: ["a", "b"].map((name) => ({
        type: "object",
        properties: { size: { type: "integer" }, [name]: { type: "string" } },
        required: [name],
      })),
    },
    ['{"a":"x"}', '{"size":1,"b":"x"}'],
    ['{"a":"x","b":"x"}', '{"size":1}'],
  ],
  ["itself", { properties: { inner: { $ref: "#" } } }, ['{"inner":{"inner":{}}}'], ['{"inner":null}']],
  ["anything", true, ['[{"a":[null,true]},"x",-1.5e3]', "{}", '""'], ["[1", "{]", "undefined"]],
  [
    "pattern",
    { pattern: "^[A-Z]{2}-\\d+$", type: "string" },
    ['"AB-1"', '"XY-123456"'],
    ['"A-1"', '"AB-"', '"AB-1x"', '"ab-1"'],
  ],
  ["pattern anywhere", { pattern: "b+" }, ['"b"', '"abba"', '"é\\nb"'], ['"a"', '""']],
  ["pattern's escapes", { pattern: '^["\\\\\\n]+$' }, [String.raw`"\"\\\n"`], [String.raw`"\u0022"`, '"n"']],
  [
    "pattern and length",
    { pattern: "^(ab)*$", minLength: 3, maxLength: 5 },
    ['"abab"'],
    ['"ab"', '"ababab"', '""'],
  ],
  [
    "date",
    { format: "date" },
    ['"2024-02-29"', '"2000-02-29"', '"1999-12-31"'],
    ['"2023-02-29"', '"1900-02-29"', '"2024-04-31"', '"24-1-1"'],
  ],
  [
    "time",
    { format: "time" },
    ['"23:59:59Z"', '"00:00:00.25+01:30"'],
    ['"24:00:00Z"', '"12:00:00"', '"12:00Z"'],
  ],
  [
    "date-time",
    { format: "date-time" },
    ['"2024-02-29T12:00:00Z"'],
    ['"2024-02-29 12:00:00Z"', '"2023-02-29T12:00:00Z"'],
  ],
  [
    "uuid",
    { format: "uuid" },
    ['"123e4567-e89b-12d3-a456-426614174000"'],
    ['"123e4567e89b12d3a456426614174000"'],
  ],
  ["ipv4", { format: "ipv4" }, ['"0.0.0.0"', '"255.249.199.99"'], ['"256.1.1.1"', '"01.1.1.1"', '"1.1.1"']],
];

function quoted(length: number): string {
  return `"${"x".repeat(length)}"`;
}

describe("the grammar of a schema", () => {
  let small: Vocabulary;
  let full: Vocabulary;

  beforeAll(async () => {
    [small, full] = [await loadVocabulary("small"), await loadVocabulary("full")];
  });

  afterAll(async () => {
    await small?.remove();
    await full?.remove();
  });

  it.each(CASES)("takes what obeys and nothing else: %s", async (_, schema, right, wrong) => {
    const compiled = await compileSchema(schema);
    for (const { model } of [small, full]) {
      const taken = (texts: readonly string[]): string[] =>
        texts.filter((text) => accepts(model, compiled.grammar, text));
      expect(taken(right)).toEqual(right);
      expect(taken(wrong)).toEqual([]);
    }
    expect(right.map((text) => compiled.validateText(text))).toEqual(right.map(() => undefined));
  });

  it.each([
    ["integer", { minimum: -12, maximum: 105 }],
    ["integer", { exclusiveMinimum: 9, exclusiveMaximum: 11 }],
    ["integer", { maximum: -3 }],
    ["integer", { minimum: 98.5, exclusiveMaximum: 121.5 }],
    ["number", { minimum: -1.25, maximum: 10 }],
    ["number", { exclusiveMinimum: 0, exclusiveMaximum: 1 }],
    ["number", { exclusiveMinimum: -0.3, maximum: 0 }],
    ["number", { minimum: 99.95 }],
  ])("takes exactly the numbers within bounds: %s %j", async (type, bounds) => {
    const compiled = await compileSchema({ type, ...bounds });
    const step = type === "integer" ? 1 : 0.05;
    const wrong: string[] = [];
    for (let index = -300; index <= 300; index++) {
      const text = (index * step).toFixed(type === "integer" ? 0 : 2).replace(/^-(0(\.0+)?)$/, "$1");
      const obeys = compiled.validateText(text) === undefined;
      if (accepts(small.model, compiled.grammar, text) !== obeys) wrong.push(text);
    }
    expect(wrong).toEqual([]);
  });

  it("stays true to bounds that a double barely tells from what is outside", async () => {
    const cases: readonly (readonly [object, string, string])[] = [
      [{ exclusiveMaximum: 1 }, "0.99999999999999", "1.00000000000000"],
      [{ exclusiveMaximum: 1_000_000 }, "999999.99999999", "1000000"],
      [{ minimum: 0.1, maximum: 0.3 }, "0.3", "0.30000000000001"],
      [{ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }, "123456789012345", "1e99"],
      [{ minimum: -999_999_999_999_999 }, "-999999999999999", "-1000000000000000"],
    ];
    for (const [bounds, inside, outside] of cases) {
      const { grammar } = await compileSchema({ type: "number", ...bounds });
      expect(accepts(small.model, grammar, inside), inside).toBe(true);
      expect(accepts(small.model, grammar, outside), outside).toBe(false);
    }
  });
});
