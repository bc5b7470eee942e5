/** What one schema may cost. It may come from anyone who can reach the server, so each limit has its reason. */

/** Bytes of the schema's JSON. */
export const MAX_SCHEMA_BYTES: number = 128 * 1024;

/** Objects and arrays within each other in the schema's JSON: every stage walks them recursively. */
export const MAX_DEPTH = 128;

/** Schemas in all, the outermost included: the validator takes up to a millisecond to compile each. */
export const MAX_SUBSCHEMAS = 500;

/** Ways to go on of one `anyOf` or `oneOf`, constants counted as one: they are compared pair by pair. */
export const MAX_ALTERNATIVES = 128;

/** Properties of one object: before each, llama.cpp keeps one reading for every optional one that may come next. */
export const MAX_PROPERTIES = 128;

/** UTF-16 units of a property's name. */
export const MAX_NAME_LENGTH = 128;

/**
 * Largest `minItems`, `maxItems`, `minLength`, `maxLength`. llama.cpp writes a repetition out, rule by rule; an answer of
 * a few thousand tokens is far shorter.
 */
export const MAX_REPETITIONS = 10_000;

/**
 * Longest repetition written as one. llama.cpp refuses those of 2,000 and more (`MAX_REPETITION_THRESHOLD`), and takes a
 * larger upper bound for none at all.
 */
export const REPETITIONS_AT_ONCE = 1000;

/** Rules of the grammar, repetitions written out: llama.cpp parses them for every answer, in some 0.1 s if there are so many. */
export const MAX_RULES = 20_000;

/** Characters of the grammar. */
export const MAX_GRAMMAR_CHARACTERS = 1_000_000;

/**
 * Ways to read the same beginning of an answer that the grammar has to follow at once, since `anyOf`'s alternatives may
 * begin alike. Nested ones multiply, and llama.cpp follows all of them for every token.
 */
export const MAX_READINGS = 64;

/** States of the automata of all patterns and formats, those on the way to them counted: a millisecond each at worst. */
export const MAX_STATES = 2000;

/** Digits that a number written in decimal keeps as a double, whatever they are (IEEE 754 binary64). */
export const NUMBER_DIGITS = 15;
