import { MAX_ALTERNATIVES } from "./limits.ts";
import type { LiteralNode, PlainNode, SchemaNode } from "./nodes.ts";
import type { Positions } from "./read.ts";
import { refusal } from "./refusal.ts";

/** A document's schemas with what its references lead to. */
export interface SchemaGraph {
  readonly root: SchemaNode;
  /**
   * What a node allows, without references and choices: its values are those of any of these. Values of all the
   * literal ones are in a single one; the schema `false` is left out. The same list for all references to a node.
   */
  alternatives(node: SchemaNode): readonly PlainNode[];
  /** Every node that generates something, each once. */
  readonly plain: readonly PlainNode[];
}

/** @throws `usage` for a reference to nothing, and for schemas that only refer to each other in a circle */
export function schemaGraph(positions: Positions): SchemaGraph {
  const root = positions.get("") ?? { kind: "never", at: "" };
  const known = new Map<SchemaNode, readonly PlainNode[]>();
  const open = new Set<SchemaNode>();

  const expand = (node: SchemaNode): readonly PlainNode[] => {
    const before = known.get(node);
    if (before !== undefined) return before;
    if (node.kind !== "reference" && node.kind !== "choice") {
      const own = node.kind === "never" ? [] : [node];
      known.set(node, own);
      return own;
    }
    if (open.has(node)) {
      throw refusal(node.at, "refers to itself with nothing between", "say what the value consists of");
    }
    open.add(node);
    const parts =
      node.kind === "choice"
        ? merge(node.of.flatMap(expand), node.at)
        : expand(target(positions, node.to, node.at));
    open.delete(node);
    known.set(node, parts);
    return parts;
  };

  const plain = new Set<PlainNode>();
  const visit = (node: SchemaNode): void => {
    for (const one of expand(node)) {
      if (plain.has(one)) continue;
      plain.add(one);
      childrenOf(one).forEach(visit);
    }
  };
  for (const node of positions.values()) visit(node);
  return { root, alternatives: expand, plain: [...plain] };
}

function target(positions: Positions, pointer: string, at: string): SchemaNode {
  const node = positions.get(pointer);
  if (node !== undefined) return node;
  throw refusal(at, `"$ref" leads to #${pointer}, and no schema is there`, 'define it under "$defs"');
}

function merge(parts: readonly PlainNode[], at: string): PlainNode[] {
  const any = parts.find((part) => part.kind === "any");
  if (any !== undefined) return [any];
  const literals = parts.filter((part) => part.kind === "literal");
  const texts = new Set(literals.flatMap((literal) => literal.texts));
  const literal: LiteralNode[] = texts.size === 0 ? [] : [{ kind: "literal", at, texts: [...texts] }];
  const all = [...literal, ...new Set(parts.filter((part) => part.kind !== "literal"))];
  if (all.length > MAX_ALTERNATIVES) {
    throw refusal(
      at,
      `${all.length} alternatives, and ${MAX_ALTERNATIVES} are the most`,
      "split the question into several",
    );
  }
  return all;
}

/** The nodes that a node's values contain values of. */
export function childrenOf(node: PlainNode): readonly SchemaNode[] {
  if (node.kind === "array") return [...node.prefix, node.items];
  if (node.kind !== "object") return [];
  const members = node.members.map((member) => member.node);
  return node.others === undefined ? members : [...members, node.others];
}
