import * as v from "valibot";
import type { Need } from "../data/folder.ts";
import { parquetSamples } from "../data/parquet-samples.ts";
import { exactForm } from "../rules/exact.ts";
import { letterOf, optionLines } from "../rules/options.ts";
import { accuracy } from "../scores/figures.ts";
import { OPTION_LETTER, type Form, type Task } from "../task.ts";

const ROWS: Need = {
  path: "data/test-*.parquet",
  or: ["test-*.parquet"],
  what: "questions, options, diagrams and answers",
};
const rowSchema = v.object({
  question: v.string(),
  options: v.pipe(v.array(v.string()), v.minLength(1)),
  answer: v.pipe(v.string(), v.regex(/^\d$/, "no option's number"), v.transform(Number)),
});

/**
 * The letter that an answer begins with, before a full stop; else the whole answer.
 * Source: `lmms_eval/tasks/ai2d/utils.py`, `MultiChoiceRegexFilter`.
 */
export function letterOrAll(text: string): string {
  return /^\s*([A-Z])\./.exec(text)?.[1] ?? text;
}

const lmmsEval: Form = {
  split: "test",
  needs: [ROWS],
  from: "lmms-lab/ai2d on the Hugging Face hub",
  suffix: OPTION_LETTER,
  maxTokens: 16,
  scoring: {
    grade: (text, { answers: [answer = ""] }) => {
      const said = exactForm(letterOrAll(text).trim());
      return { said, score: said === exactForm(answer) ? 1 : 0, readable: /^[a-z]$/.test(said) };
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
        sample: ({ question, options: choices, answer }, id) => ({
          id,
          prompt: `${question}\n${optionLines(choices)}${OPTION_LETTER}`,
          truth: { answers: [letterOf(answer)], options: choices },
        }),
      },
      options,
    ),
};

/** AI2D (Kembhavi et al. 2016): diagrams of schoolbooks. */
export const ai2d: Task = { name: "ai2d", title: "AI2D", forms: { "lmms-eval": lmmsEval } };
