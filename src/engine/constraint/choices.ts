import { FlashSlothError } from "../../core/errors.ts";

/** The answer is one of these texts. */
export interface ChoicesConstraint {
  readonly kind: "choices";
  /** at least two, all different */
  readonly texts: readonly string[];
  /**
   * `usual`: a text stands for itself, capitalised, and each with and without a final full stop, probabilities added up; or
   * `yes` would mean nothing to a model that says "Yes.". `exact`: the text alone. @default "usual"
   */
  readonly spellings?: "usual" | "exact" | undefined;
  /**
   * What a log-probability is divided by before the choices are compared: nothing, the number of tokens, or of UTF-8 bytes
   * (lm-evaluation-harness's `acc` and `acc_norm`). @default "none"
   */
  readonly normalize?: "none" | "tokens" | "bytes" | undefined;
}

/** One of the choices, and how likely the model finds it. */
export interface ScoredChoice {
  readonly text: string;
  /** natural logarithm of the probability that the model gives to the text and the end of the answer, all spellings together */
  readonly logprob: number;
  /** among the choices: they add up to 1 */
  readonly probability: number;
}

/** One way to write a choice. */
export interface Spelling {
  /** of the choice */
  readonly choice: number;
  /** as the model would say it: the template leads an answer with a space */
  readonly tokens: readonly number[];
  readonly bytes: number;
}

/**
 * @returns the texts without blanks around them
 * @throws `usage` for fewer than two choices, for a blank one, and for two that cannot be told apart
 */
export function checkChoices({ texts: given }: ChoicesConstraint): string[] {
  const texts = given.map((text) => text.trim());
  if (texts.length < 2) throw usage("choices need at least two texts");
  if (texts.includes("")) throw usage("a choice is empty");
  const twice = texts.find((text, index) => texts.indexOf(text) !== index);
  if (twice !== undefined) throw usage(`the choice ${JSON.stringify(twice)} is there twice`);
  return texts;
}

/**
 * Every way to write every choice. What two choices could both be written as counts for the one that is written so exactly.
 * @throws `usage` as `checkChoices`
 */
export function spellChoices(
  constraint: ChoicesConstraint,
  tokenize: (text: string) => readonly number[],
): Spelling[] {
  const texts = checkChoices(constraint);
  const owner = new Map<string, number>();
  for (const [choice, text] of texts.entries()) owner.set(text, choice);
  const exact = constraint.spellings === "exact";
  return texts.flatMap((text, choice) =>
    (exact ? [text] : usualSpellings(text)).flatMap((spelling) => {
      if ((owner.get(spelling) ?? choice) !== choice) return [];
      owner.set(spelling, choice);
      return { choice, tokens: tokenize(` ${spelling}`), bytes: Buffer.byteLength(spelling) };
    }),
  );
}

/** As given, capitalised, and each with and without a final full stop; each once. */
export function usualSpellings(text: string): string[] {
  const bare = text.length > 1 ? text.replace(/\.$/, "") : text;
  const [first = "", ...rest] = Array.from(bare);
  const capitalised = first.toLocaleUpperCase("en") + rest.join("");
  const dotted = /[.!?]$/.test(bare) ? [] : [`${bare}.`, `${capitalised}.`];
  return [...new Set([text, bare, capitalised, ...dotted])];
}

function usage(message: string): FlashSlothError {
  return new FlashSlothError("usage", message, { hint: "give them as --choices red,green,blue" });
}
