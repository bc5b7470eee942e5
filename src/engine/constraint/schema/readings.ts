import { beginDifferently } from "./first-characters.ts";
import { childrenOf, type SchemaGraph } from "./graph.ts";
import { MAX_READINGS } from "./limits.ts";
import type { ObjectNode, PlainNode, SchemaNode } from "./nodes.ts";
import { refusal } from "./refusal.ts";

/**
 * Refuses schemas whose answers can be read in too many ways at once.
 *
 * The grammar is followed from left to right, and where alternatives begin alike all of them are followed until they
 * part. What lies within is followed once for each, so that nested alternatives multiply, and recursive ones do so
 * without end. Alternatives whose first properties tell them apart cost nothing.
 */
export function checkReadings(graph: SchemaGraph): void {
  const groups = new Map<readonly PlainNode[], readonly (readonly PlainNode[])[]>();
  const readings = new Map<PlainNode, number>(graph.plain.map((node) => [node, 1]));
  const readingsOf = (node: SchemaNode): number => {
    const alternatives = graph.alternatives(node);
    const known = groups.get(alternatives) ?? alikeGroups(graph, alternatives);
    groups.set(alternatives, known);
    const sums = known.map((group) => group.reduce((sum, one) => sum + (readings.get(one) ?? 1), 0));
    return Math.max(0, ...sums);
  };
  const check = (node: SchemaNode): void => {
    if (readingsOf(node) <= MAX_READINGS) return;
    throw refusal(
      node.at,
      `more than ${MAX_READINGS} ways to read the beginning of an answer, since alternatives within each other begin alike`,
      "put a required property first that tells them apart, such as a constant, or make them one",
    );
  };
  for (let changed = true; changed;) {
    changed = false;
    for (const node of graph.plain) {
      const children = childrenOf(node);
      children.forEach(check);
      const most = Math.max(1, ...children.map(readingsOf));
      changed ||= most !== readings.get(node);
      readings.set(node, most);
    }
  }
  check(graph.root);
}

/** Alternatives in groups whose members may be read at once beyond a first few characters. */
function alikeGroups(graph: SchemaGraph, nodes: readonly PlainNode[]): PlainNode[][] {
  let groups: PlainNode[][] = [];
  for (const node of nodes) {
    const alike = groups.filter((group) => group.some((one) => !beginApart(graph, one, node)));
    groups = [...groups.filter((group) => !alike.includes(group)), [...alike.flat(), node]];
  }
  return groups;
}

/** Whether no text is the beginning of values of both, past a bounded number of plain values. */
function beginApart(graph: SchemaGraph, a: PlainNode, b: PlainNode): boolean {
  if (a.kind === "object" && b.kind === "object") return objectsBeginApart(graph, a, b);
  if (beginDifferently(a, b)) return true;
  // of equal texts only one is left, and others part within their length
  return a.kind === "literal" && b.kind === "literal";
}

function objectsBeginApart(graph: SchemaGraph, a: ObjectNode, b: ObjectNode): boolean {
  for (let index = 0; ; index++) {
    const [left, right] = [a.members[index], b.members[index]];
    if (left === undefined || right === undefined || !left.required || !right.required) return false;
    if (left.name !== right.name) return true;
    const values = graph.alternatives(left.node);
    const others = graph.alternatives(right.node);
    if (values.every((one) => others.every((other) => differ(one, other)))) return true;
    if (![...values, ...others].every(isScalar)) return false;
  }
}

/** Whether no value is one of both, told by what they begin with or by what they are. */
function differ(a: PlainNode, b: PlainNode): boolean {
  if (a.kind === "literal" && b.kind === "literal") return !a.texts.some((text) => b.texts.includes(text));
  return beginDifferently(a, b);
}

function isScalar(node: PlainNode): boolean {
  return node.kind === "string" || node.kind === "number" || node.kind === "literal";
}
