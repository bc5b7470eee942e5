import {
  DFA,
  JS,
  NFA,
  TooManyNodesError,
  type CharSet,
  type NoParent,
  type Concatenation,
  type Element,
  type Expression,
} from "refa";
import { messageOf } from "../../../core/errors.ts";
import { makeAutomaton, type Automaton, type AutomatonState } from "./automaton.ts";
import { FORMATS } from "./formats.ts";
import { MAX_STATES } from "./limits.ts";
import type { StringNode } from "./nodes.ts";
import { refusal } from "./refusal.ts";

// This module is loaded only when a schema has a pattern or a format: refa is a megabyte.

const LAST_CHARACTER = 0x10ffff;
const CHARACTERS: CharSet = JS.createCharSet([{ kind: "any" }], { unicode: true, dotAll: true });
/** Halves of surrogate pairs are no characters: UTF-8 cannot write them. */
const TEXT: CharSet = CHARACTERS.without({ min: 0xd800, max: 0xdfff });

type Part = NoParent<Element>;
type Sequence = NoParent<Concatenation>;

/** What automata are asked for: the parts of a string node that limit its texts. */
export type StringLimits = Pick<StringNode, "at" | "min" | "max" | "pattern" | "format">;

/** Makes the automata of one schema, each different one once. */
export class AutomatonMaker {
  readonly #made = new Map<string, Automaton>();
  #states = 0;

  /**
   * The texts that a string node allows, as one automaton: a pattern as ECMAScript means it (with the flag `u`, found
   * anywhere unless it says ^ and $), a format, and the lengths.
   *
   * Built by subset construction with a bound on all states, so that no pattern takes long, neither here nor when a text is
   * tested: there is no backtracking.
   * @throws `usage` for what is not regular (backreferences, assertions but ^ at the start and $ at the end), for too
   * many states, and where no text is left
   */
  make(limits: StringLimits): Automaton {
    const { at, min, max, pattern, format } = limits;
    const key = JSON.stringify([min, max, pattern, format]);
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    let dfa = this.#deterministic([[repeat(TEXT, min, max ?? Infinity)]], at, "minLength or maxLength");
    if (format !== undefined) dfa = this.#intersect(dfa, FORMATS[format] ?? "", at, "format");
    if (pattern !== undefined) dfa = this.#intersect(dfa, pattern, at, "pattern");
    if (dfa.isEmpty)
      throw refusal(at, "no string has its pattern, format and lengths", "correct one of them");
    const automaton = fromRefa(dfa);
    this.#made.set(key, automaton);
    return automaton;
  }

  #intersect(left: DFA, source: string, at: string, keyword: string): DFA {
    const right = this.#deterministic(alternativesOf(source, at), at, keyword);
    return this.#smallest(
      () => DFA.fromIntersection(left, right, this.#counted(DFA.nodeFactory)),
      at,
      keyword,
    );
  }

  #deterministic(alternatives: readonly Part[][], at: string, keyword: string): DFA {
    return this.#smallest(
      () => {
        const nfa = NFA.fromRegex(
          alternatives.map((elements): Sequence => ({ type: "Concatenation", elements })),
          { maxCharacter: LAST_CHARACTER },
          { assertions: "throw" },
          this.#counted(NFA.nodeFactory),
        );
        return DFA.fromFA(nfa, this.#counted(DFA.nodeFactory));
      },
      at,
      keyword,
    );
  }

  #smallest(build: () => DFA, at: string, keyword: string): DFA {
    try {
      const dfa = build();
      dfa.minimize();
      return dfa;
    } catch (error) {
      const [what, hint] =
        this.#states > MAX_STATES
          ? [`its automaton has more than ${MAX_STATES} states`, "use smaller counts and fewer patterns"]
          : [messageOf(error), "of assertions, only ^ at a pattern's start and $ at its end are supported"];
      throw refusal(at, `"${keyword}" is not supported (${what})`, hint);
    }
  }

  /** A factory that stops at `MAX_STATES` of all automata together. */
  #counted<T>(factory: { createNode(): T }): { createNode(): T } {
    return {
      createNode: () => {
        this.#states++;
        TooManyNodesError.assert(this.#states, MAX_STATES, "DFA");
        return factory.createNode();
      },
    };
  }
}

/** The alternatives of a regular expression, each as one that covers a whole text. */
function alternativesOf(source: string, at: string): Part[][] {
  let expression: Expression;
  try {
    const parser = JS.Parser.fromLiteral({ source, flags: "u" });
    ({ expression } = parser.parse({ maxNodes: MAX_STATES, backreferences: "throw", assertions: "parse" }));
  } catch (error) {
    throw refusal(
      at,
      `"pattern" ${JSON.stringify(source).slice(0, 80)} is not supported (${messageOf(error)})`,
      "use characters, classes, groups, | and counts, such as ^[A-Z]{2}[0-9]+$",
    );
  }
  return expression.alternatives.map(({ elements }) => {
    const begins = isEdge(elements[0], "behind");
    const ends = elements.length > (begins ? 1 : 0) && isEdge(elements.at(-1), "ahead");
    const inner: Part[] = elements.slice(begins ? 1 : 0, ends ? -1 : undefined);
    const anything = repeat(CHARACTERS, 0, Infinity);
    return [...(begins ? [] : [anything]), ...inner, ...(ends ? [] : [anything])];
  });
}

/** ^ is parsed as "no character behind", $ as "no character ahead". */
function isEdge(element: Element | undefined, kind: "ahead" | "behind"): boolean {
  if (element?.type !== "Assertion" || element.kind !== kind || !element.negate) return false;
  const [alternative, ...others] = element.alternatives;
  const [character, ...more] = alternative?.elements ?? [];
  return (
    others.length === 0 &&
    more.length === 0 &&
    character?.type === "CharacterClass" &&
    character.characters.isAll
  );
}

function repeat(characters: CharSet, min: number, max: number): Part {
  const one: Sequence = { type: "Concatenation", elements: [{ type: "CharacterClass", characters }] };
  return { type: "Quantifier", min, max, lazy: false, alternatives: [one] };
}

function fromRefa(dfa: DFA): Automaton {
  const nodes = [...dfa.nodes()];
  const first = nodes.indexOf(dfa.initial);
  const ordered = [dfa.initial, ...nodes.filter((_, index) => index !== first)];
  const numbers = new Map(ordered.map((node, index) => [node, index]));
  return makeAutomaton(
    ordered.map((node): AutomatonState => {
      const targets = new Map<number, [number, number][]>();
      for (const [range, next] of node.out) {
        const to = numbers.get(next) ?? 0;
        const ranges = targets.get(to) ?? [];
        ranges.push([range.min, range.max]);
        targets.set(to, ranges);
      }
      return { final: dfa.finals.has(node), edges: [...targets].map(([to, ranges]) => ({ to, ranges })) };
    }),
  );
}
