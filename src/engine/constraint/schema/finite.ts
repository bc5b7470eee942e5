import type { SchemaGraph } from "./graph.ts";
import type { PlainNode, SchemaNode } from "./nodes.ts";
import { refusal } from "./refusal.ts";

/**
 * Refuses schemas that no finite value obeys: `false` where something has to be, or a value that must contain one of
 * its own kind, which must contain one, and so on.
 */
export function checkFinite(graph: SchemaGraph): void {
  const finite = new Set<PlainNode>();
  const isFinite = (node: SchemaNode): boolean =>
    graph.alternatives(node).some((alternative) => finite.has(alternative));
  let before = -1;
  while (finite.size > before) {
    before = finite.size;
    for (const node of graph.plain) if (mustContain(node).every(isFinite)) finite.add(node);
  }
  const endless = graph.plain.find((node) => !finite.has(node));
  if (endless !== undefined) {
    throw refusal(
      endless.at,
      "no finite value has all that is required here",
      "a value that must contain one like itself never ends, and false allows none: make a property optional",
    );
  }
  if (!isFinite(graph.root)) {
    throw refusal(
      graph.root.at,
      "no value is allowed",
      "a schema of false, or of nothing but false, has no answer",
    );
  }
}

/** What every value of a node contains one of. */
function mustContain(node: PlainNode): readonly SchemaNode[] {
  if (node.kind === "object")
    return node.members.filter(({ required }) => required).map((member) => member.node);
  if (node.kind !== "array") return [];
  const prefix = node.prefix.slice(0, node.min);
  return node.min > prefix.length ? [...prefix, node.items] : prefix;
}
