/** Letters that may stand for an option, E for none of them. */
const LETTERS = Array.from("ABCDE");
/** What may stand around a letter, in the order in which it is looked for. */
const AROUND: readonly (readonly [string, string])[] = [
  ["", "."],
  ["", ","],
  ["", ":"],
  ["", ")"],
  ["", ")."],
  ["(", ")"],
  ["(", ")."],
  [":", ""],
  [":", ","],
  [":", "."],
  [":", ")"],
  [":", ")."],
];
/** In a sentence of more words, `A` may be an article. */
const FEW_WORDS = 3;

/**
 * Which option an answer chooses: the one letter that is a word of it, else the one option whose text is in it. Source: MMBench's
 * `can_infer`, in FlashSloth's repository `lmms_eval/tasks/mmbench/mmbench_evals.py`; without its GPT, who is asked about the
 * rest there.
 * @param options the texts of A, B, …, as many of the first four as there are
 * @returns undefined for what cannot be read
 */
export function chosenOption(answer: string, options: readonly string[]): string | undefined {
  return letterIn(answer) ?? textIn(answer, options);
}

function letterIn(answer: string): string | undefined {
  const words = new Set(answer.split(/\s+/).filter((word) => word !== ""));
  const count = answer.split(/\s+/).filter((word) => word !== "").length;
  const [letter, second] = LETTERS.filter((each) => words.has(each));
  const article = words.has("A") && count > FEW_WORDS;
  if (letter !== undefined && second === undefined && !article) return letter;
  for (const [before, after] of AROUND) {
    const [marked, another] = LETTERS.filter((each) => words.has(before + each + after));
    if (marked !== undefined && another === undefined) return marked;
  }
  return undefined;
}

function textIn(answer: string, options: readonly string[]): string | undefined {
  const text = answer.toLowerCase();
  const [found, another] = options.flatMap((option, index) =>
    text.includes(option.toLowerCase()) ? [LETTERS[index]] : [],
  );
  return another === undefined ? found : undefined;
}
