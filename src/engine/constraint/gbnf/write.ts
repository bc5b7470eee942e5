import type { SchemaGraph } from "../schema/graph.ts";
import type { ArrayNode, ObjectNode, PlainNode, SchemaNode } from "../schema/nodes.ts";
import { oneOfTexts } from "./literals.ts";
import { objectBody } from "./members.ts";
import { numberRule } from "./number.ts";
import { GrammarRules, literal } from "./rules.ts";
import { stringRule } from "./text.ts";

/**
 * The grammar of a schema's values in llama.cpp's notation: JSON on one line, with a single space or none after each colon
 * and comma, so that a model cannot go on with white space for ever.
 *
 * Alternatives branch at their first character where JSON's types allow it, so that llama.cpp follows few readings.
 * @throws `usage` for a grammar that is too large
 */
export function writeGrammar(graph: SchemaGraph): string {
  const writer = new Writer(graph);
  return writer.rules.text(writer.value(graph.root));
}

const STRING = {
  kind: "string",
  at: "",
  min: 0,
  max: undefined,
  pattern: undefined,
  format: undefined,
} as const;
const NUMBER = { kind: "number", at: "", integer: false, range: undefined } as const;

class Writer {
  readonly rules: GrammarRules = new GrammarRules();
  readonly #graph: SchemaGraph;
  readonly #gap: string;
  readonly #names = new Map<PlainNode, string>();
  #any: string | undefined;

  constructor(graph: SchemaGraph) {
    this.#graph = graph;
    this.#gap = this.rules.add("gap", `" " | ""`);
  }

  /** The rule of a node's values; there is one. */
  value(node: SchemaNode): string {
    const alternatives = this.#graph.alternatives(node).map((alternative) => this.#plain(alternative));
    const [only = ""] = alternatives;
    return alternatives.length === 1 ? only : this.rules.add("choice", alternatives.join(" | "));
  }

  #exists(node: SchemaNode): boolean {
    return this.#graph.alternatives(node).length > 0;
  }

  #plain(node: PlainNode): string {
    const known = this.#names.get(node);
    if (known !== undefined) return known;
    switch (node.kind) {
      case "any":
        return this.#anyRule();
      case "literal":
        return this.#keep(node, this.rules.add("value", oneOfTexts(this.rules, node.texts)));
      case "string":
        return this.#keep(node, stringRule(this.rules, node));
      case "number":
        return this.#keep(node, numberRule(this.rules, node));
      case "object":
        return this.#later(node, () => this.#object(node));
      case "array":
        return this.#later(node, () => this.#array(node));
    }
  }

  #keep(node: PlainNode, name: string): string {
    this.#names.set(node, name);
    return name;
  }

  /** Names the rule before it is written: it may contain itself. */
  #later(node: PlainNode, body: () => string): string {
    const name = this.#keep(node, this.rules.reserve(node.kind));
    this.rules.define(name, body());
    return name;
  }

  #object(node: ObjectNode): string {
    const { others, forbidden } = node;
    const members = node.members
      .filter((member) => this.#exists(member.node))
      .map(({ name, required, node: value }) => ({ name, required, value: this.value(value) }));
    const gone = node.members.filter((member) => !this.#exists(member.node)).map(({ name }) => name);
    return objectBody({
      rules: this.rules,
      members,
      others: others === undefined || !this.#exists(others) ? undefined : this.value(others),
      forbidden: [...forbidden, ...gone],
      gap: this.#gap,
    });
  }

  /**
   *     array   ::= "[" item-0 more-1 "]"
   *     more-i  ::= "," gap item-i more-(i+1) | ""    the second only if i items are enough
   */
  #array({ prefix, items, min, max = Infinity }: ArrayNode): string {
    const end = prefix.findIndex((node) => !this.#exists(node));
    const first = prefix.slice(0, Math.min(max, end < 0 ? prefix.length : end));
    const further = end < 0 && max > first.length && this.#exists(items);
    let more: string | undefined;
    if (further) {
      const item = this.rules.add("item", `"," ${this.#gap} ${this.value(items)}`);
      const skipped = Math.max(first.length, 1);
      const least = Math.max(0, min - skipped);
      const most = max === Infinity ? undefined : max - skipped;
      if (most !== 0) more = this.rules.add("more", this.rules.repeat(item, least, most));
      if (first.length === 0) first.push(items);
    }
    for (const [index, node] of [...first.entries()].toReversed()) {
      const comma = index === 0 ? "" : `"," ${this.#gap} `;
      const body = `${comma}${this.value(node)}${more === undefined ? "" : ` ${more}`}`;
      more = this.rules.add("more", min > index ? body : `${body} | ""`);
    }
    return more === undefined ? literal("[]") : `"[" ${more} "]"`;
  }

  #anyRule(): string {
    if (this.#any !== undefined) return this.#any;
    const { rules } = this;
    const any = rules.reserve("any");
    this.#any = any;
    const item = rules.add("item", `"," ${this.#gap} ${any}`);
    const array = rules.add("array", `"[" ( ${any} ${item}* )? "]"`);
    const object = rules.add(
      "object",
      objectBody({ rules, members: [], others: any, forbidden: [], gap: this.#gap }),
    );
    const scalars = `${stringRule(rules, STRING)} | ${numberRule(rules, NUMBER)} | "true" | "false" | "null"`;
    rules.define(any, `${object} | ${array} | ${scalars}`);
    return any;
  }
}
