import { MAX_GRAMMAR_CHARACTERS, MAX_RULES, REPETITIONS_AT_ONCE } from "../schema/limits.ts";
import { refusal } from "../schema/refusal.ts";

/** Inclusive ranges of code points. */
export type Ranges = readonly (readonly [number, number])[];

/** The rules of a grammar in llama.cpp's notation (GBNF) as they come. A body that is there already keeps its name. */
export class GrammarRules {
  readonly #bodies = new Map<string, string>();
  readonly #names = new Map<string, string>();
  #characters = 0;
  readonly #repeated = new Set<string>();
  #repetitions = 0;

  /** Adds a rule. @returns its name */
  add(name: string, body: string): string {
    const known = this.#names.get(body);
    if (known !== undefined) return known;
    const own = this.reserve(name);
    this.define(own, body);
    this.#names.set(body, own);
    return own;
  }

  /** A name for a rule that comes later: of one that refers to itself. */
  reserve(name: string): string {
    const own = `${name}-${this.#bodies.size}`;
    this.#bodies.set(own, "");
    return own;
  }

  define(name: string, body: string): void {
    this.#bodies.set(name, body);
    this.#characters += name.length + body.length;
    this.#check();
  }

  /** `rule`, a rule's name, `min` to `max` times, so that at most two readings go on at once. */
  repeat(rule: string, min: number, max: number | undefined): string {
    const parts: string[] = [];
    for (let left = min; left > 0; left -= REPETITIONS_AT_ONCE) {
      parts.push(`${rule}{${Math.min(left, REPETITIONS_AT_ONCE)}}`);
    }
    if (max === undefined) parts.push(`${rule}*`);
    else if (max > min) parts.push(this.#upTo(rule, max - min));
    const text = parts.join(" ");
    if (!this.#repeated.has(text)) this.#repetitions += max ?? min;
    this.#repeated.add(text);
    this.#check();
    return text;
  }

  #upTo(rule: string, most: number): string {
    if (most <= REPETITIONS_AT_ONCE) return `${rule}{0,${most}}`;
    const rest = this.#upTo(rule, most - REPETITIONS_AT_ONCE);
    const body = `${rule}{${REPETITIONS_AT_ONCE}} ${rest} | ${rule}{0,${REPETITIONS_AT_ONCE - 1}}`;
    return this.add("many", body);
  }

  /** The grammar whose root is the rule `value`, after a single space or none: the prompt ends without one. */
  text(value: string): string {
    const rules = [...this.#bodies].map(([name, body]) => `${name} ::= ${body}\n`);
    return `root ::= " "? ${value}\n${rules.join("")}`;
  }

  #check(): void {
    if (this.#bodies.size + this.#repetitions > MAX_RULES || this.#characters > MAX_GRAMMAR_CHARACTERS) {
      throw refusal(
        "",
        "too large for a grammar",
        "use smaller counts, fewer properties or simpler patterns",
      );
    }
  }
}

/** Exactly this text. */
export function literal(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** One character of these. */
export function characters(ranges: Ranges): string {
  const spelled = ranges.map(([from, to]) => (from === to ? spell(from) : `${spell(from)}-${spell(to)}`));
  return `[${spelled.join("")}]`;
}

function spell(point: number): string {
  const character = String.fromCodePoint(point);
  if (/[a-zA-Z0-9 ]/.test(character)) return character;
  return String.raw`\U${point.toString(16).toUpperCase().padStart(8, "0")}`;
}
