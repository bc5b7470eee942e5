import { messageOf } from "../../core/errors.ts";
import { writeGrammar } from "./gbnf/write.ts";
import type { Automaton } from "./schema/automaton.ts";
import { plainCopy } from "./schema/document.ts";
import { checkExclusive } from "./schema/exclusive.ts";
import { checkFinite } from "./schema/finite.ts";
import { schemaGraph, type SchemaGraph } from "./schema/graph.ts";
import { readDocument } from "./schema/read.ts";
import { checkReadings } from "./schema/readings.ts";
import { standardForm } from "./schema/standard-form.ts";

/** A JSON schema made ready: what a model may say, and a check of what it has said. */
export interface CompiledSchema {
  /** A grammar in llama.cpp's notation (GBNF); its root is the rule `root`. */
  readonly grammar: string;
  /** What keeps a value from obeying the schema, in a sentence; undefined if it does obey. */
  readonly validate: (value: unknown) => string | undefined;
  /** The same for the text of an answer, which must be JSON and nothing else. */
  readonly validateText: (text: string) => string | undefined;
}

/**
 * Compiles a JSON schema (2020-12) that answers have to obey.
 *
 * A schema may use:
 * - `type`, one or a list of: `object`, `array`, `string`, `number`, `integer`, `boolean`, `null`
 * - `enum`, `const`, with `type` beside them
 * - `properties`, `required`, `additionalProperties` (`true`, `false` or a schema)
 * - `items`, `prefixItems`, `minItems`, `maxItems`
 * - `minLength`, `maxLength`; `pattern`; `format`: `date`, `time`, `date-time`, `uuid`, `ipv4`
 * - `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`, with at most 15 digits
 * - `anyOf`; `oneOf`, if no value could be one of two alternatives; `allOf` of a single schema
 * - `$ref` to any place in the same schema, such as `#/$defs/name`, recursion included; `$defs`, `definitions`
 * - `true`, `false` and `{}` in place of a schema
 * - `title`, `description`, `default`, `examples`, `deprecated`, `readOnly`, `writeOnly`, `$schema`, `$comment`, OpenAPI's
 *   `discriminator`, and `$id` at the root, which are ignored
 *
 * Anything else is refused by name, and so is what could never hold: a keyword that is ignored would make an answer look
 * checked that is not. `$ref`, `anyOf`, `oneOf` and `allOf` stand alone, without other keywords beside them. Numbers from
 * `minimum` to `maximum` are written without an exponent. A `pattern` is a regular expression of JavaScript's (flag `u`) without
 * backreferences and look-around; `^` may stand at its start and `$` at its end, and without them it matches anywhere in the string.
 *
 * What a model may say is JSON on one line, properties in the schema's order (JavaScript puts those that are called 0, 1, …
 * first), those that are not required perhaps left out. Where `properties` are listed and `additionalProperties` is not
 * there, no others are generated.
 *
 * A schema is at most 128 KiB of JSON, 128 levels deep, of 500 schemas, with counts up to 10,000. Alternatives of `anyOf` that
 * contain each other should differ in a required first property: those that begin alike are followed all at once, and
 * more than 64 ways to read an answer's beginning are refused. Compiling takes
 * milliseconds; the first time some 50 ms to load the validator, and about as much for the first pattern or format.
 * @param schema what `JSON.parse` makes of a schema; it may come from anyone
 * @throws `usage` saying which keyword cannot be used, where (a JSON pointer), and what to do
 */
export async function compileSchema(schema: unknown): Promise<CompiledSchema> {
  const document = plainCopy(schema);
  const positions = readDocument(document);
  const graph = schemaGraph(positions);
  checkFinite(graph);
  checkExclusive(graph, positions);
  checkReadings(graph);
  const automata = await attachAutomata(graph);
  const grammar = writeGrammar(graph);

  const { makeValidator } = await import("./schema/validator.ts");
  const references = [...positions.values()].filter((node) => node.kind === "reference");
  const validate = makeValidator({
    schema: standardForm(
      document,
      references.map(({ to }) => to),
    ),
    ...automata,
  });
  const validateText = (text: string): string | undefined => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      return `the answer is not JSON: ${messageOf(error)}`;
    }
    return validate(value);
  };
  return { grammar, validate, validateText };
}

/** Gives each string that has a pattern or a format its automaton, and returns those of the patterns and formats alone. */
async function attachAutomata(
  graph: SchemaGraph,
): Promise<{ patterns: Map<string, Automaton>; formats: Map<string, Automaton> }> {
  const patterns = new Map<string, Automaton>();
  const formats = new Map<string, Automaton>();
  const nodes = graph.plain.filter((node) => node.kind === "string");
  const special = nodes.filter(({ pattern, format }) => pattern !== undefined || format !== undefined);
  if (special.length === 0) return { patterns, formats };
  const { AutomatonMaker } = await import("./schema/pattern.ts");
  const maker = new AutomatonMaker();
  const alone = { min: 0, max: undefined, pattern: undefined, format: undefined };
  for (const node of special) {
    const { at, pattern, format } = node;
    node.automaton = maker.make(node);
    if (pattern !== undefined) patterns.set(pattern, maker.make({ ...alone, at, pattern }));
    if (format !== undefined) formats.set(format, maker.make({ ...alone, at, format }));
  }
  return { patterns, formats };
}
