import { literal, type GrammarRules } from "./rules.ts";

/** One of several different texts. Equal beginnings are written once: only where texts part does the grammar branch. */
export function oneOfTexts(rules: GrammarRules, texts: readonly string[]): string {
  const [first = ""] = texts;
  if (texts.length === 1) return literal(first);
  const shared = sharedBeginning(texts);
  const groups = new Map<string, string[]>();
  for (const text of texts) {
    const rest = text.slice(shared.length);
    const point = rest.codePointAt(0);
    const character = point === undefined ? "" : String.fromCodePoint(point);
    groups.set(character, [...(groups.get(character) ?? []), rest]);
  }
  const branches = [...groups.values()].map((group) => oneOfTexts(rules, group));
  const branch = rules.add("text", branches.join(" | "));
  return shared === "" ? branch : `${literal(shared)} ${branch}`;
}

/** In whole characters. */
function sharedBeginning(texts: readonly string[]): string {
  const [first = "", ...others] = texts;
  let shared = "";
  for (const character of first) {
    if (!others.every((text) => text.startsWith(shared + character))) break;
    shared += character;
  }
  return shared;
}
