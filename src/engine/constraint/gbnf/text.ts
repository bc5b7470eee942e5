import type { Automaton } from "../schema/automaton.ts";
import type { StringNode } from "../schema/nodes.ts";
import { oneOfTexts } from "./literals.ts";
import { characters, literal, type GrammarRules, type Ranges } from "./rules.ts";

/**
 * Characters of a string that stand for themselves: none below U+0020, neither quote nor backslash (RFC 8259, section 7),
 * and no surrogates.
 */
export const PLAIN_CHARACTERS: Ranges = [
  [0x20, 0x21],
  [0x23, 0x5b],
  [0x5d, 0xd7ff],
  [0xe000, 0x10ffff],
];

const HEX = "[0-9a-fA-F]";
/** Four hexadecimal digits of a character, never of half a surrogate pair: a pair would count as one character. */
const CODE = `[0-9a-ce-fA-CE-F] ${HEX}{3} | [dD] [0-7] ${HEX}{2}`;

/** A JSON string with all that the node asks for; lengths count characters, escaped or not. */
export function stringRule(rules: GrammarRules, node: StringNode): string {
  if (node.automaton !== undefined) return automatonRule(rules, node.automaton);
  const code = rules.add("code", CODE);
  const escape = String.raw`"\\" ( [\U00000022\U0000005C/bfnrt] | "u" ${code} )`;
  const character = rules.add("character", `${characters(PLAIN_CHARACTERS)} | ${escape}`);
  const body = rules.repeat(character, node.min, node.max);
  return rules.add("string", [literal('"'), body, literal('"')].join(" "));
}

/** One rule a state; each character is spelled in one way only, so that there is never more than one reading. */
function automatonRule(rules: GrammarRules, { states }: Automaton): string {
  const names = states.map(() => rules.reserve("state"));
  for (const [index, { final, edges }] of states.entries()) {
    const branches = edges.map(({ ranges, to }) => `${oneOfCharacters(rules, ranges)} ${names[to]}`);
    rules.define(names[index] ?? "", [...branches, ...(final ? [literal("")] : [])].join(" | "));
  }
  return rules.add("string", [literal('"'), names[0], literal('"')].join(" "));
}

/** Characters that need a backslash. */
const ESCAPED: readonly number[] = [...Array.from({ length: 0x20 }, (_, point) => point), 0x22, 0x5c];

function oneOfCharacters(rules: GrammarRules, ranges: Ranges): string {
  const plain = intersect(ranges, PLAIN_CHARACTERS);
  const escaped = ESCAPED.filter((point) => ranges.some(([from, last]) => from <= point && point <= last));
  const texts = escaped.map((point) => JSON.stringify(String.fromCodePoint(point)).slice(1, -1));
  return rules.add(
    "character",
    [
      ...(plain.length > 0 ? [characters(plain)] : []),
      ...(texts.length > 0 ? [oneOfTexts(rules, texts)] : []),
    ].join(" | "),
  );
}

function intersect(left: Ranges, right: Ranges): Ranges {
  return left.flatMap(([from, to]) =>
    right
      .map(([low, high]): [number, number] => [Math.max(from, low), Math.min(to, high)])
      .filter(([low, high]) => low <= high),
  );
}
