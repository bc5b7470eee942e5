import * as v from "valibot";
import { idSchema } from "../data/forms.ts";
import type { Need } from "../data/folder.ts";
import { parquetSamples } from "../data/parquet-samples.ts";
import { anls } from "../rules/anls.ts";
import { accuracy, percent } from "../scores/figures.ts";
import { SHORT_ANSWER, type Form, type Task, type Unit } from "../task.ts";

const ROWS: Need = {
  path: "DocVQA/validation-*.parquet",
  or: ["validation-*.parquet"],
  what: "questions, pages and answers",
};
const rowSchema = v.object({
  questionId: idSchema,
  question: v.string(),
  answers: v.pipe(v.array(v.string()), v.minLength(1)),
});

/** The share of answers that are worth anything at all, in percent. */
function nearEnough(units: readonly Unit[]): number {
  return percent(units.filter(([one]) => (one?.score ?? 0) > 0).length, units.length);
}

const lmmsEval: Form = {
  split: "validation",
  needs: [ROWS],
  from: "lmms-lab/DocVQA on the Hugging Face hub (DocVQA)",
  suffix: SHORT_ANSWER,
  maxTokens: 32,
  remarks: [
    "lmms-eval, FlashSloth's copy too, averages 1 for every answer whose ANLS is one half or more (lmms_eval/api/task.py, `any(scores)`): the second figure",
  ],
  scoring: {
    grade: (text, { answers }) => ({ score: anls(text, answers), readable: text.trim() !== "" }),
    headline: { name: "ANLS", unit: "%", of: accuracy },
    details: (units) => [{ name: "ANLS of one half or more", value: nearEnough(units) }],
  },
  read: (data, options) =>
    parquetSamples(
      data,
      {
        need: ROWS,
        schema: rowSchema,
        picture: "image",
        sample: ({ questionId: id, question, answers }) => ({
          id,
          prompt: question + SHORT_ANSWER,
          truth: { answers },
        }),
      },
      options,
    ),
};

/** DocVQA (Mathew et al. 2021): questions about pages of documents. */
export const docvqa: Task = { name: "docvqa", title: "DocVQA", forms: { "lmms-eval": lmmsEval } };
