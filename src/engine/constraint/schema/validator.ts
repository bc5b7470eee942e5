import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { messageOf } from "../../../core/errors.ts";
import type { Automaton } from "./automaton.ts";
import type { JsonObject } from "./document.ts";
import { refusal } from "./refusal.ts";

// This module is loaded only when a schema is used.

export interface ValidatorOptions {
  /** In its standard form. */
  readonly schema: JsonObject;
  /** Automata of patterns by their source, and of formats by their name. */
  readonly patterns: ReadonlyMap<string, Automaton>;
  readonly formats: ReadonlyMap<string, Automaton>;
}

/**
 * JSON Schema 2020-12 as ajv reads it. Patterns and formats are tested by automata, in linear time; nothing is fetched,
 * since all references stay within the schema.
 * @returns what is wrong with a value, or undefined
 */
export function makeValidator(options: ValidatorOptions): (value: unknown) => string | undefined {
  const { schema, patterns, formats } = options;
  const regExp = Object.assign((source: string) => patternTest(source, patterns.get(source)), { code: "" });
  const ajv = new Ajv2020({
    strict: false,
    validateSchema: false,
    meta: false,
    addUsedSchema: false,
    inlineRefs: false, // or one large definition would be compiled for each reference to it
    ownProperties: true, // or every object would have a property "toString"
    logger: false,
    code: { regExp },
    formats: Object.fromEntries(
      [...formats].map(([name, automaton]) => [name, (text: string) => automaton.test(text)]),
    ),
  });
  const validate = compile(ajv, schema);
  return (value) => {
    try {
      if (validate(value)) return undefined;
    } catch (error) {
      return `the value cannot be checked: ${messageOf(error)}`; // nested too deep for the stack
    }
    const { instancePath = "", message = "is not valid" } = validate.errors?.[0] ?? {};
    return `${instancePath === "" ? "the value" : instancePath} ${message}`;
  };
}

/** ajv follows references recursively: a long chain of them is too much for the stack. */
function compile(ajv: Ajv2020, schema: JsonObject): ValidateFunction {
  try {
    return ajv.compile(schema);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw refusal(
      "",
      "its references lead on too far",
      "shorten the chain of schemas that refer to the next",
    );
  }
}

/** What ajv takes for a regular expression; it tells them apart by their texts. */
function patternTest(source: string, automaton: Automaton | undefined): RegExpLike {
  return { test: (text) => automaton?.test(text) ?? false, toString: () => source };
}

interface RegExpLike {
  test(text: string): boolean;
  toString(): string;
}
