import * as v from "valibot";
import type { Need } from "../data/folder.ts";
import { parquetSamples } from "../data/parquet-samples.ts";
import type { Handover } from "../handover.ts";
import type { Form, Task } from "../task.ts";

const ROWS: Need = {
  path: "data/test-*.parquet",
  or: ["test-*.parquet"],
  what: "questions, pictures and answers",
};
const rowSchema = v.object({ question_id: v.string(), question: v.string(), answer: v.string() });
/** Source: `lmms_eval/tasks/mmvet/mmvet.yaml`. */
const BEFORE =
  "First please perform reasoning, and think step by step to provide best answer to the following question: \n\n";

/** An object of answers by their questions' ids, which MM-Vet's evaluator takes. Source: `mmvet_aggregate_results` of lmms-eval's task. */
const handover: Handover = {
  to: "MM-Vet's evaluator",
  ending: ".mmvet.json",
  files: (answers) => new Map([["", Object.fromEntries(answers.map(({ id, text }) => [id, text]))]]),
};

const lmmsEval: Form = {
  split: "test",
  needs: [ROWS],
  from: "lmms-lab/MMVet on the Hugging Face hub",
  suffix: "",
  maxTokens: 1024,
  remarks: ["GPT-4 is the judge of MM-Vet, so nothing is scored here"],
  handover,
  read: (data, options) =>
    parquetSamples(
      data,
      {
        need: ROWS,
        schema: rowSchema,
        picture: "image",
        sample: ({ question_id: id, question, answer }) => ({
          id: id.startsWith("v1_") ? id : `v1_${id}`,
          prompt: BEFORE + question,
          truth: { answers: [answer] },
        }),
      },
      options,
    ),
};

/** MM-Vet (Yu et al. 2023): answers only. */
export const mmvet: Task = { name: "mmvet", title: "MM-Vet", forms: { "lmms-eval": lmmsEval } };
