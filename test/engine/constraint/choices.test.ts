import { describe, expect, it } from "vitest";
import { spellChoices, usualSpellings } from "../../../src/engine/constraint/choices.ts";
import { ChoiceScores } from "../../../src/engine/constraint/scores.ts";

/** One token a character. */
function tokenize(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

describe("usualSpellings", () => {
  it.each([
    ["yes", ["yes", "Yes", "yes.", "Yes."]],
    ["Yes.", ["Yes.", "Yes"]],
    ["no.", ["no.", "no", "No", "No."]],
    ["a red circle", ["a red circle", "A red circle", "a red circle.", "A red circle."]],
    ["what?", ["what?", "What?"]],
    ["42", ["42", "42."]],
    [".", ["."]],
    ["ångström", ["ångström", "Ångström", "ångström.", "Ångström."]],
    ["ßein", ["ßein", "SSein", "ßein.", "SSein."]],
  ])("of %j", (text, spellings) => {
    expect(new Set(usualSpellings(text))).toEqual(new Set(spellings));
    expect(usualSpellings(text)).toHaveLength(spellings.length);
  });
});

describe("spellChoices", () => {
  it("leads each spelling with a space and tells which choice it is", () => {
    const spelled = spellChoices({ kind: "choices", texts: ["a", " b. "], spellings: "exact" }, tokenize);
    expect(spelled).toEqual([
      { choice: 0, tokens: tokenize(" a"), bytes: 1 },
      { choice: 1, tokens: tokenize(" b."), bytes: 2 },
    ]);
  });

  it("gives a spelling that two choices share to the one that is written so", () => {
    const spelled = spellChoices({ kind: "choices", texts: ["yes", "Yes"] }, tokenize);
    const owners = new Map(
      spelled.map(({ choice, tokens }) => [String.fromCharCode(...tokens).trim(), choice]),
    );
    expect(owners.get("yes")).toBe(0);
    expect(owners.get("Yes")).toBe(1);
    expect(spelled).toHaveLength(owners.size);
  });

  it.each([[["one"]], [["a", ""]], [["a", "  "]], [["a", "b", "a"]], [["a", " a"]], [[]]])(
    "refuses %j",
    (texts) => {
      expect(() => spellChoices({ kind: "choices", texts }, tokenize)).toThrow(
        expect.objectContaining({ code: "usage" }),
      );
    },
  );
});

/** Logits over ten tokens that depend on everything before. */
function madeUpLogits(tokens: readonly number[]): Float32Array {
  const seed = tokens.reduce((sum, token) => sum * 31 + token + 1, 7);
  return Float32Array.from({ length: 10 }, (_, id) => Math.sin(seed * 0.7 + id * 1.3) * 3);
}

/** The model rules out everything but one token. */
function certain(): Float32Array {
  return Float32Array.from({ length: 10 }, (_, id) => (id === 0 ? 0 : -Infinity));
}

describe("ChoiceScores", () => {
  const END = 9;

  /** Takes made-up logits at every token of every branch: a function of the tokens before. */
  function score(
    texts: readonly string[],
    spellings: readonly { choice: number; tokens: number[]; bytes: number }[],
    logitsAfter: (tokens: readonly number[]) => Float32Array,
    normalize?: "tokens" | "bytes",
  ): ReturnType<ChoiceScores["result"]> {
    const constraint = { kind: "choices", texts, normalize } as const;
    const scores = new ChoiceScores({ constraint, spellings, endTokens: [END] });
    for (const [index, branch] of scores.branches.entries()) {
      for (let depth = 0; depth <= branch.length; depth++) {
        scores.take(index, depth, logitsAfter(branch.slice(0, depth)));
      }
    }
    return scores.result();
  }

  /** log P(tokens, then the end), written down plainly. */
  function plain(tokens: readonly number[]): number {
    const sequence = [...tokens, END];
    let sum = 0;
    for (const [index, token] of sequence.entries()) {
      const logits = [...madeUpLogits(sequence.slice(0, index))];
      sum += (logits[token] ?? 0) - Math.log(logits.reduce((total, value) => total + Math.exp(value), 0));
    }
    return sum;
  }

  it("adds up what each token and the end are likely, one choice the beginning of another or not", () => {
    const spellings = [
      { choice: 0, tokens: [1], bytes: 3 },
      { choice: 0, tokens: [2], bytes: 3 },
      { choice: 1, tokens: [1, 3], bytes: 10 },
      { choice: 1, tokens: [2, 3, 4], bytes: 10 },
      { choice: 2, tokens: [5, 5, 5, 5], bytes: 4 },
    ];
    const { choices, best, mass } = score(["red", "red circle", "blue"], spellings, madeUpLogits);
    const expected = [0, 1, 2].map((choice) =>
      Math.log(
        spellings
          .filter((spelling) => spelling.choice === choice)
          .reduce((sum, { tokens }) => sum + Math.exp(plain(tokens)), 0),
      ),
    );
    for (const [index, { logprob }] of choices.entries())
      expect(logprob).toBeCloseTo(expected[index] ?? 0, 5);
    expect(choices.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 9);
    expect(mass).toBeCloseTo(
      expected.reduce((sum, logprob) => sum + Math.exp(logprob), 0),
      6,
    );
    expect(best).toBe(expected.indexOf(Math.max(...expected)));
  });

  it("computes what spellings have in common once", () => {
    const constraint = { kind: "choices", texts: ["a", "b"] } as const;
    const spellings = [
      { choice: 0, tokens: [1], bytes: 1 },
      { choice: 0, tokens: [1, 2], bytes: 2 },
      { choice: 1, tokens: [3, 4], bytes: 1 },
      { choice: 1, tokens: [3, 4, 2], bytes: 2 },
    ];
    const scores = new ChoiceScores({ constraint, spellings, endTokens: [END] });
    expect(scores.branches).toEqual([
      [1, 2],
      [3, 4, 2],
    ]);
  });

  it("compares by token or by byte when asked to, and reports the plain log-probabilities", () => {
    const spellings = [
      { choice: 0, tokens: [1], bytes: 8 },
      { choice: 1, tokens: [1, 3, 4], bytes: 2 },
    ];
    const plainScores = [plain([1]), plain([1, 3, 4])];
    for (const [normalize, lengths] of [
      ["tokens", [1, 3]],
      ["bytes", [8, 2]],
    ] as const) {
      const { choices } = score(["x", "y"], spellings, madeUpLogits, normalize);
      const compared = plainScores.map((logprob, index) => logprob / (lengths[index] ?? 1));
      const total = compared.reduce((sum, value) => sum + Math.exp(value), 0);
      for (const [index, { logprob, probability }] of choices.entries()) {
        expect(logprob).toBeCloseTo(plainScores[index] ?? 0, 5);
        expect(probability).toBeCloseTo(Math.exp(compared[index] ?? 0) / total, 6);
      }
    }
  });

  it("has something to say even where the model rules every choice out", () => {
    const spellings = [
      { choice: 0, tokens: [1], bytes: 1 },
      { choice: 1, tokens: [2], bytes: 1 },
    ];
    const { choices, best, mass } = score(["a", "b"], spellings, certain);
    expect(choices.map(({ probability }) => probability)).toEqual([0.5, 0.5]);
    expect([best, mass]).toEqual([0, 0]);
  });
});
