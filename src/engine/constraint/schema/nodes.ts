import type { Automaton } from "./automaton.ts";

/** What a schema allows, as far as answers are generated from it. `at` is where the schema says so. */
export type SchemaNode =
  | AnyNode
  | NeverNode
  | LiteralNode
  | StringNode
  | NumberNode
  | ArrayNode
  | ObjectNode
  | ChoiceNode
  | ReferenceNode;

/** A node that is no reference, and no choice between others. */
export type PlainNode = Exclude<SchemaNode, ReferenceNode | ChoiceNode | NeverNode>;

/** Any JSON value. */
export interface AnyNode {
  readonly kind: "any";
  readonly at: string;
}

/** No value at all: the schema `false`. */
export interface NeverNode {
  readonly kind: "never";
  readonly at: string;
}

/** One of the given values, each as compact JSON. */
export interface LiteralNode {
  readonly kind: "literal";
  readonly at: string;
  readonly texts: readonly string[];
}

/** A string. Lengths are in code points. */
export interface StringNode {
  readonly kind: "string";
  readonly at: string;
  readonly min: number;
  readonly max: number | undefined;
  readonly pattern: string | undefined;
  readonly format: string | undefined;
  /** pattern, format and lengths in one, where there is a pattern or a format */
  automaton?: Automaton;
}

export interface NumberNode {
  readonly kind: "number";
  readonly at: string;
  readonly integer: boolean;
  readonly range: NumberRange | undefined;
}

/** Whole numbers, bounds included, in units of 10^-fraction. */
export interface NumberRange {
  readonly low: bigint;
  readonly high: bigint;
  /** Digits that may follow the decimal point; those that are left out are zeros. */
  readonly fraction: number;
}

export interface ArrayNode {
  readonly kind: "array";
  readonly at: string;
  /** the first items, one each */
  readonly prefix: readonly SchemaNode[];
  /** all further ones */
  readonly items: SchemaNode;
  readonly min: number;
  readonly max: number | undefined;
}

export interface ObjectNode {
  readonly kind: "object";
  readonly at: string;
  /** in the order in which they are written; none whose schema is `false` */
  readonly members: readonly Member[];
  /** declared with `false`: never generated */
  readonly forbidden: readonly string[];
  /** what follows the members under any other name: nothing where it is undefined */
  readonly others: SchemaNode | undefined;
  /** whether the schema itself forbids other names; it may be silent, and we generate none all the same */
  readonly closed: boolean;
}

export interface Member {
  readonly name: string;
  readonly node: SchemaNode;
  readonly required: boolean;
}

export interface ChoiceNode {
  readonly kind: "choice";
  readonly at: string;
  readonly of: readonly SchemaNode[];
  /** `oneOf`: a value of one alternative must not be one of another */
  readonly exclusive: boolean;
}

export interface ReferenceNode {
  readonly kind: "reference";
  readonly at: string;
  /** JSON pointer of the schema that stands here */
  readonly to: string;
}
