import * as v from "valibot";
import type { Need } from "../data/folder.ts";
import { parquetSamples } from "../data/parquet-samples.ts";
import { exactForm } from "../rules/exact.ts";
import { letterOf } from "../rules/options.ts";
import { accuracy } from "../scores/figures.ts";
import type { Form, Task } from "../task.ts";

const ROWS: Need = {
  path: "data/test-*.parquet",
  or: ["test-*.parquet"],
  what: "questions, pictures and answers",
};
const rowSchema = v.object({ question: v.string(), answer: v.string() });

const NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

/** The texts of the options that a question lists: `A. Left`, a line each. */
export function optionsIn(question: string): string[] {
  return [...question.matchAll(/\b[A-Z]\.\s+([^\n]*)/g)].map(([, text = ""]) => text.trim());
}

/**
 * An answer that is a number's word becomes its digits; one with an option's text in it, that option's letter; another one loses
 * its punctuation. Source: `lmms_eval/tasks/realworldqa/utils.py`, `NumberWordsToDigitsFilter` and `MultiChoiceRegexFilter`.
 */
export function filtered(answer: string, options: readonly string[]): string {
  const number = NUMBERS.indexOf(answer.toLowerCase());
  const plain = (number < 0 ? answer : String(number)).replaceAll(/[^\p{L}\p{N}_\s]/gu, "").trim();
  const first = earliest(plain, options);
  if (first === undefined) return plain;
  return letterOf(options.lastIndexOf(options[first] ?? ""));
}

/** Which option stands first in a text; of several at one place, the first of the list. */
function earliest(text: string, options: readonly string[]): number | undefined {
  let [best, place]: [number | undefined, number] = [undefined, Number.POSITIVE_INFINITY];
  for (const [index, option] of options.entries()) {
    const at = text.indexOf(option);
    if (at >= 0 && at < place) [best, place] = [index, at];
  }
  return best;
}

const lmmsEval: Form = {
  split: "test",
  needs: [ROWS],
  from: "lmms-lab/RealWorldQA on the Hugging Face hub",
  suffix: "",
  maxTokens: 16,
  scoring: {
    grade: (text, { answers: [answer = ""], options = [] }) => {
      const said = exactForm(filtered(text, options));
      const readable = options.length > 0 ? /^[a-z]$/.test(said) : said !== "";
      return { said, readable, score: said === exactForm(answer) ? 1 : 0 };
    },
    headline: { name: "exact match", unit: "%", of: accuracy },
    details: () => [],
  },
  read: (data, options) =>
    parquetSamples(
      data,
      {
        need: ROWS,
        schema: rowSchema,
        picture: "image",
        sample: ({ question, answer }, id) => ({
          id,
          prompt: question.trim(),
          truth: { answers: [answer], options: optionsIn(question) },
        }),
      },
      options,
    ),
};

/** RealWorldQA (xAI 2024). */
export const realworldqa: Task = {
  name: "realworldqa",
  title: "RealWorldQA",
  forms: { "lmms-eval": lmmsEval },
};
