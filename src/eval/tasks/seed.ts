import * as v from "valibot";
import { idSchema, letterSchema } from "../data/forms.ts";
import type { Need } from "../data/folder.ts";
import { parquetSamples } from "../data/parquet-samples.ts";
import { optionLines } from "../rules/options.ts";
import { accuracy } from "../scores/figures.ts";
import { LONGEST_ANSWER, OPTION_LETTER, type Form, type Task } from "../task.ts";

const ROWS: Need = {
  path: "data/test-*.parquet",
  or: ["test-*.parquet"],
  what: "questions, options, pictures and answers; those about videos are left out",
};
const rowSchema = v.object({
  question_id: idSchema,
  question: v.string(),
  choice_a: v.string(),
  choice_b: v.string(),
  choice_c: v.string(),
  choice_d: v.string(),
  answer: letterSchema,
  data_type: v.string(),
});

const lmmsEval: Form = {
  split: "test, pictures",
  needs: [ROWS],
  from: "lmms-lab/SEED-Bench on the Hugging Face hub",
  suffix: OPTION_LETTER,
  maxTokens: LONGEST_ANSWER,
  scoring: {
    grade: (text, { answers: [answer = ""] }) => {
      const [said = ""] = Array.from(text.trim());
      return {
        said,
        score: said.toLowerCase() === answer.toLowerCase() ? 1 : 0,
        readable: /^[a-d]$/i.test(said),
      };
    },
    headline: { name: "accuracy by the first character", unit: "%", of: accuracy },
    details: () => [],
  },
  read: (data, options) =>
    parquetSamples(
      data,
      {
        need: ROWS,
        schema: rowSchema,
        picture: "image",
        sample: ({
          question_id: id,
          question,
          choice_a,
          choice_b,
          choice_c,
          choice_d,
          answer,
          data_type,
        }) => {
          if (data_type !== "image") return undefined;
          const choices = [choice_a, choice_b, choice_c, choice_d];
          return {
            id,
            prompt: `${question}\n${optionLines(choices)}${OPTION_LETTER}`,
            truth: { answers: [answer], options: choices },
          };
        },
      },
      options,
    ),
};

/** SEED-Bench (Li et al. 2023), its questions about pictures. */
export const seed: Task = { name: "seed", title: "SEED-Bench, pictures", forms: { "lmms-eval": lmmsEval } };
