import { UNSAFE_NAME } from "../schema/keywords.ts";
import { literal, characters, type GrammarRules } from "./rules.ts";
import { PLAIN_CHARACTERS } from "./text.ts";

/** A property as the grammar writes it. */
export interface MemberRule {
  readonly name: string;
  readonly required: boolean;
  /** rule of its value */
  readonly value: string;
}

export interface MembersOptions {
  readonly rules: GrammarRules;
  readonly members: readonly MemberRule[];
  /** Rule of values under other names. @default none */
  readonly others?: string | undefined;
  /** Names that are none of the others, beside the members'. */
  readonly forbidden: readonly string[];
  /** Rule of what stands after a colon or comma. */
  readonly gap: string;
}

/**
 * An object: its members in their order, optional ones or not, then others.
 *
 *     from-i  ::= member-i more-i | from-(i+1)     the second only if member i is optional
 *     more-i  ::= "," gap from-(i+1) | ""          the second only if none of the rest is required
 */
export function objectBody(options: MembersOptions): string {
  const { rules, members, others, forbidden, gap } = options;
  const names = [...members.map(({ name }) => name), ...forbidden, UNSAFE_NAME];
  let from: string | undefined;
  if (others !== undefined) {
    const other = rules.add("other", `${otherName(rules, names)} ":" ${gap} ${others}`);
    const another = rules.add("another", `"," ${gap} ${other}`);
    from = rules.add("members", `${other} ${another}*`);
  }
  let optional = true;
  for (const { name, required, value } of members.toReversed()) {
    const member = `${literal(`${JSON.stringify(name)}:`)} ${gap} ${value}`;
    const more =
      from === undefined ? undefined : rules.add("more", `"," ${gap} ${from}${optional ? ` | ""` : ""}`);
    const begin = more === undefined ? member : `${member} ${more}`;
    from = rules.add("members", required || from === undefined ? begin : `${begin} | ${from}`);
    optional &&= !required;
  }
  if (from === undefined) return literal("{}");
  return `"{" ${optional ? rules.add("members", `${from} | ""`) : from} "}"`;
}

/**
 * A name that is none of these, in quotes: at least one character, and none that needs a backslash, since a name can be
 * spelled in many ways with one.
 */
function otherName(rules: GrammarRules, names: readonly string[]): string {
  const character = rules.add("character", characters(PLAIN_CHARACTERS));
  const any = rules.add("name", `${character}*`);
  return `"\\"" ${notOneOf(rules, names, any, false)} "\\""`;
}

/** What may follow a text that would be one of the names with one of `rests` after it; nothing at all if `mayEnd`. */
function notOneOf(rules: GrammarRules, rests: readonly string[], any: string, mayEnd: boolean): string {
  const groups = new Map<number, string[]>();
  for (const rest of rests) {
    const point = rest.codePointAt(0);
    if (point === undefined) continue;
    const after = rest.slice(String.fromCodePoint(point).length);
    groups.set(point, [...(groups.get(point) ?? []), after]);
  }
  const branches = [...groups]
    .filter(([point]) => isPlain(point))
    .map(
      ([point, afters]) =>
        `${characters([[point, point]])} ${notOneOf(rules, afters, any, !afters.includes(""))}`,
    );
  const free = without(groups);
  if (free.length > 0) branches.push(`${characters(free)} ${any}`);
  if (mayEnd) branches.push(literal(""));
  return rules.add("name", branches.join(" | "));
}

function isPlain(point: number): boolean {
  return PLAIN_CHARACTERS.some(([from, to]) => from <= point && point <= to);
}

/** The plain characters that none of the names goes on with. */
function without(groups: ReadonlyMap<number, unknown>): [number, number][] {
  const points = [...groups.keys()].sort((a, b) => a - b);
  return PLAIN_CHARACTERS.flatMap(([first, last]) => {
    const ranges: [number, number][] = [];
    let from = first;
    for (const point of points) {
      if (point < first || point > last) continue;
      if (point > from) ranges.push([from, point - 1]);
      from = point + 1;
    }
    if (from <= last) ranges.push([from, last]);
    return ranges;
  });
}
