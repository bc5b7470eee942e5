import { describe, expect, it } from "vitest";
import { AutomatonMaker } from "../../../src/engine/constraint/schema/pattern.ts";
import { Random } from "./random.ts";

function automaton(pattern: string): ReturnType<AutomatonMaker["make"]> {
  return new AutomatonMaker().make({ at: "/x", min: 0, max: undefined, pattern, format: undefined });
}

describe("AutomatonMaker", () => {
  it.each([
    "^[a-c]{2}-?\\d+$",
    "ab|ba",
    "^a|b$",
    "^(a|ab)(c|bcd)?$",
    "^[^a-c]*$",
    "^(?:a(?<name>b*)){1,3}?c$",
    "^\\w+\\s\\S$",
    "a.c",
    "^\\p{L}{2}$",
    "^[\\u{1F600}é]+$",
    "^$",
    "",
    "^(a?){3}a{3}$",
    "\\$|\\^",
  ])("agrees with JavaScript's own engine on %j", (pattern) => {
    const made = automaton(pattern);
    const own = new RegExp(pattern, "u");
    const random = new Random(pattern.length);
    const letters = ["a", "b", "c", "d", "-", "1", " ", "\n", "é", "😀", "$", "^"];
    const texts = Array.from({ length: 3000 }, () => {
      const few = random.chance(0.5) ? letters : ["a", "b", "-", "1"];
      return Array.from({ length: random.below(7) }, () => random.pick(few)).join("");
    });
    expect(texts.filter((text) => made.test(text) !== own.test(text))).toEqual([]);
    expect(texts.some((text) => made.test(text))).toBe(true);
  });

  it("leads from every state to an end: a grammar made from it has no dead ends", () => {
    for (const pattern of ["^a(b|c\\uD800|d)e$", "x[\\uD800-\\uDFFFy]z", "^(ab*)*c$"]) {
      const { states } = automaton(pattern);
      const alive = new Set(states.flatMap(({ final }, index) => (final ? [index] : [])));
      for (let round = 0; round < states.length; round++) {
        for (const [index, { edges }] of states.entries())
          if (edges.some(({ to }) => alive.has(to))) alive.add(index);
      }
      expect(alive.size).toBe(states.length);
      expect(states.every(({ edges }) => edges.every(({ ranges }) => ranges.length > 0))).toBe(true);
    }
  });

  it.each([
    ["(?<n>a+)\\k<n>", /Backreferences/],
    ["a(?=b)", /Assertions/],
    ["\\bfoo", /Assertions/],
    ["a$b", /Assertions/],
    ["[", /Unterminated/],
    ["a{3000}", /more than 2000 states/],
    ["^(.*a){14}.{14}$", /more than 2000 states/],
    ["((a{0,99}){0,99}){0,99}", /more than 2000 states/],
    ["^[\\uD800-\\uDFFF]$", /no string/],
    ["a^", /Assertions/],
  ])("refuses %j", (pattern, message) => {
    expect(() => automaton(pattern)).toThrow(
      expect.objectContaining({ code: "usage", message: expect.stringMatching(message) }),
    );
  });

  it("takes time proportional to the text where backtracking would take forever", () => {
    const made = automaton("^(a+)+$");
    const start = performance.now();
    expect(made.test(`${"a".repeat(100_000)}b`)).toBe(false);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
