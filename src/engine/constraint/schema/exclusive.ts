import { canonicalText, type Json } from "./document.ts";
import { beginDifferently } from "./first-characters.ts";
import type { SchemaGraph } from "./graph.ts";
import type { ChoiceNode, LiteralNode, NumberRange, ObjectNode, PlainNode, SchemaNode } from "./nodes.ts";
import type { Positions } from "./read.ts";
import { refusal } from "./refusal.ts";

/** Properties within properties that are looked at to tell two alternatives apart. */
const MAX_LEVELS = 3;

/**
 * Refuses `oneOf` whose alternatives may both hold for a value that is generated from one of them: a grammar generates
 * from either, and could not keep what JSON Schema asks.
 */
export function checkExclusive(graph: SchemaGraph, positions: Positions): void {
  for (const node of positions.values()) {
    if (node.kind !== "choice" || !node.exclusive || areApart(graph, node)) continue;
    throw refusal(
      node.at,
      '"oneOf" has alternatives that may hold for the same value',
      "use anyOf, or give each alternative a required property with a constant of its own",
    );
  }
}

function areApart(graph: SchemaGraph, choice: ChoiceNode): boolean {
  const parts = choice.of.flatMap((node, index) => graph.alternatives(node).map((part) => ({ index, part })));
  const literals = parts.filter(({ part }) => part.kind === "literal");
  const values = literals.flatMap(({ part }) => (part.kind === "literal" ? canonicalTexts(part) : []));
  if (new Set(values).size < values.length) return false;
  const rest = parts.filter(({ part }) => part.kind !== "literal");
  const pairs = rest.flatMap((one) => parts.map((other) => [one, other] as const));
  return pairs.every(
    ([one, other]) =>
      one.index === other.index ||
      (fails(graph, one.part, other.part, 0) && fails(graph, other.part, one.part, 0)),
  );
}

function canonicalTexts(node: LiteralNode): string[] {
  return node.texts.map((text) => canonicalText(JSON.parse(text) as Json));
}

/** Whether every text generated from `a` is certainly no value of `b`. */
function fails(graph: SchemaGraph, a: PlainNode, b: PlainNode, level: number): boolean {
  if (beginDifferently(a, b)) return true;
  if (a.kind === "literal" && b.kind === "literal") {
    const values = canonicalTexts(b);
    return !canonicalTexts(a).some((value) => values.includes(value));
  }
  if (a.kind === "number" && b.kind === "number") return rangesApart(a.range, b.range);
  if (a.kind !== "object" || b.kind !== "object" || level === MAX_LEVELS) return false;
  return objectFails(graph, a, b, level);
}

function objectFails(graph: SchemaGraph, a: ObjectNode, b: ObjectNode, level: number): boolean {
  const missing = b.members.some(({ name, required }) => required && !mayGenerate(a, name));
  if (missing) return true;
  const all = (node: SchemaNode, test: (part: PlainNode) => boolean): boolean =>
    graph.alternatives(node).every(test);
  return a.members.some(({ name, node, required }) => {
    if (!required) return false;
    const other = b.members.find((member) => member.name === name);
    if (other === undefined) return b.closed || b.forbidden.includes(name);
    return all(node, (one) => all(other.node, (two) => fails(graph, one, two, level + 1)));
  });
}

function mayGenerate(node: ObjectNode, name: string): boolean {
  const others = node.others !== undefined && !node.forbidden.includes(name);
  return others || node.members.some((member) => member.name === name);
}

function rangesApart(a: NumberRange | undefined, b: NumberRange | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const [left, right] = [10n ** BigInt(b.fraction), 10n ** BigInt(a.fraction)];
  return a.high * left < b.low * right || b.high * right < a.low * left;
}
