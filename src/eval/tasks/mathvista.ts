import * as v from "valibot";
import { FlashSlothError } from "../../core/errors.ts";
import type { Need } from "../data/folder.ts";
import { optionalText } from "../data/forms.ts";
import { parquetSamples } from "../data/parquet-samples.ts";
import type { Handover } from "../handover.ts";
import { optionLines } from "../rules/options.ts";
import { OPTION_LETTER, type Form, type Task } from "../task.ts";

const ROWS: Need = {
  path: "data/testmini-*.parquet",
  or: ["testmini-*.parquet"],
  what: "problems, pictures and answers",
};
/** Parquet's 64-bit numbers are bigints, which JSON does not know. */
const plain: v.GenericSchema<unknown, unknown> = v.pipe(
  v.unknown(),
  v.transform((value) => (typeof value === "bigint" ? Number(value) : value)),
);
const rowSchema = v.object({
  pid: v.string(),
  question: v.string(),
  image: v.string(),
  choices: v.nullish(v.array(v.string())),
  unit: v.nullish(v.string()),
  precision: v.nullish(v.number()),
  answer: v.nullish(v.string()),
  question_type: v.picklist(["multi_choice", "free_form"]),
  answer_type: v.string(),
  metadata: v.record(v.string(), plain),
});
type Problem = v.InferOutput<typeof rowSchema>;

const HINTS: Readonly<Record<string, string>> = {
  integer: "\nAnswer the question using a single integer number.",
  "float, 1": "\nAnswer the question using a single floating-point number with one decimal place.",
  "float, 2": "\nAnswer the question using a single floating-point number with two decimal places.",
  list: "\nAnswer the question using a Python list.",
};

/** @throws `usage` for a kind of answer that nobody knows how to ask for */
function hintFor({ pid, question_type: type, answer_type: answer, precision }: Problem): string {
  if (type === "multi_choice") return OPTION_LETTER;
  const hint = HINTS[answer === "float" ? `float, ${precision}` : answer];
  if (hint !== undefined) return hint;
  const kind = answer === "float" ? `floating-point number with ${precision} decimal places` : answer;
  throw new FlashSlothError("usage", `problem ${pid} of MathVista asks for a ${kind}, which has no prompt`);
}

/**
 * The question, its unit, its options and a hint at the answer's form.
 * Source: `lmms_eval/tasks/mathvista/mathvista_evals.py`, `create_one_query` for `format-prompt`.
 */
function promptOf(problem: Problem): string {
  const { question, unit, choices } = problem;
  const asked = optionalUnit(unit);
  const options = choices?.length ? `\n${optionLines(choices)}` : "";
  return `${question}${asked}${options}${hintFor(problem)}`.trim();
}

function optionalUnit(unit: Problem["unit"]): string {
  const text = v.parse(optionalText, unit);
  return text === "" ? "" : ` (Unit: ${text})`;
}

/** An object of problems by their numbers. Source: `evaluation/generate_response.py` and `extract_answer.py` of lupantech/MathVista. */
const handover: Handover = {
  to: "MathVista's evaluation/extract_answer.py",
  ending: ".mathvista.json",
  files: (answers) => {
    const problems = answers.map(({ id, prompt, text, problem }) => [
      id,
      { ...problem, query: prompt, response: text },
    ]);
    return new Map([["", Object.fromEntries(problems)]]);
  },
};

const lmmsEval: Form = {
  split: "testmini",
  needs: [ROWS],
  from: "AI4Math/MathVista on the Hugging Face hub",
  suffix: [OPTION_LETTER, ...Object.values(HINTS)],
  maxTokens: 1024,
  remarks: ["GPT extracts the answers of MathVista from what was said, so nothing is scored here"],
  handover,
  read: (data, options) =>
    parquetSamples(
      data,
      {
        need: ROWS,
        schema: rowSchema,
        picture: "decoded_image",
        sample: (row) => ({
          id: row.pid,
          prompt: promptOf(row),
          truth: { answers: [row.answer ?? ""] },
          problem: { ...row, choices: row.choices?.length ? row.choices : null },
        }),
      },
      options,
    ),
};

/** MathVista (Lu et al. 2024), its testmini split: answers only. */
export const mathvista: Task = {
  name: "mathvista",
  title: "MathVista",
  forms: { "lmms-eval": lmmsEval },
};
