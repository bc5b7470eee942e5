import type { PlainNode } from "./nodes.ts";

/** What the texts of values begin with; 0 for all that a number begins with. JSON tells its types apart by it. */
export function firstCharacters(node: PlainNode): ReadonlySet<string> {
  switch (node.kind) {
    case "any":
      return new Set('{["0tfn');
    case "object":
      return new Set("{");
    case "array":
      return new Set("[");
    case "string":
      return new Set('"');
    case "number":
      return new Set("0");
    case "literal":
      return new Set(node.texts.map((text) => text.charAt(0).replace(/[-\d]/, "0")));
  }
}

/** Whether the values of two nodes begin differently, and so are of different types. */
export function beginDifferently(a: PlainNode, b: PlainNode): boolean {
  const others = firstCharacters(b);
  return ![...firstCharacters(a)].some((character) => others.has(character));
}
