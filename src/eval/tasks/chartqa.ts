import * as v from "valibot";
import type { Need } from "../data/folder.ts";
import { parquetSamples } from "../data/parquet-samples.ts";
import { relaxedMatch } from "../rules/relaxed.ts";
import { accuracy, byCategory } from "../scores/figures.ts";
import type { Form, Task } from "../task.ts";

const ROWS: Need = {
  path: "data/test-*.parquet",
  or: ["test-*.parquet"],
  what: "questions, charts and answers",
};
const rowSchema = v.object({ type: v.string(), question: v.string(), answer: v.string() });
const SUFFIX = "\nAnswer the question with a single word.";

const lmmsEval: Form = {
  split: "test: human and augmented",
  needs: [ROWS],
  from: "lmms-lab/ChartQA on the Hugging Face hub",
  suffix: SUFFIX,
  maxTokens: 16,
  scoring: {
    grade: (text, { answers: [answer = ""] }) => ({
      score: relaxedMatch(text.trim(), answer) ? 1 : 0,
      readable: text.trim() !== "",
    }),
    headline: { name: "relaxed accuracy", unit: "%", of: accuracy },
    details: (units) =>
      [...byCategory(units)].map(([name, each]) => ({ name, value: accuracy(each), samples: each.length })),
  },
  read: (data, options) =>
    parquetSamples(
      data,
      {
        need: ROWS,
        schema: rowSchema,
        picture: "image",
        sample: ({ type, question, answer }, id) => ({
          id,
          prompt: question + SUFFIX,
          truth: { answers: [answer], category: type === "human_test" ? "human" : "augmented" },
        }),
      },
      options,
    ),
};

/** ChartQA (Masry et al. 2022). */
export const chartqa: Task = { name: "chartqa", title: "ChartQA", forms: { "lmms-eval": lmmsEval } };
