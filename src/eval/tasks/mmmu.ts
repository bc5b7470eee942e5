import * as v from "valibot";
import type { Need } from "../data/folder.ts";
import { parquetSamples } from "../data/parquet-samples.ts";
import { pythonTexts, pythonTextsSchema } from "../data/python-list.ts";
import type { HandedOver, Handover } from "../handover.ts";
import { letterOf, optionLines } from "../rules/options.ts";
import { OPTION_LETTER, SHORT_ANSWER, type Form, type Task } from "../task.ts";

const ROWS: Need = {
  path: "data/validation-*.parquet",
  or: ["*/validation-*.parquet", "validation-*.parquet"],
  what: "questions, options, pictures and answers",
};
const PICTURES = [1, 2, 3, 4, 5, 6, 7].map((number) => `image_${number}`);
const MULTIPLE_CHOICE = "multiple-choice";
/** `validation_Art_Theory_7`: split, subject, number */
const ID = /^validation_([A-Za-z]+(?:_[A-Za-z]+)*)_\d+$/;

const rowSchema = v.object({
  id: v.pipe(v.string(), v.regex(ID, "no question of the validation split")),
  question: v.string(),
  options: pythonTextsSchema,
  answer: v.string(),
  question_type: v.string(),
});
type Row = v.InferOutput<typeof rowSchema>;

/** Source: `lmms_eval/tasks/mmmu/utils.py`, `construct_prompt`, with pictures by their numbers (`interleaved_format: false`). */
function promptOf({ question, options, question_type: type }: Row): string {
  if (type !== MULTIPLE_CHOICE) return `${question}\n${SHORT_ANSWER}`;
  return `${question}\n${optionLines(options)}\n${OPTION_LETTER}`;
}

/** The columns of the pictures that a prompt names. Source: `mmmu_doc_to_visual` there. */
function picturesIn(prompt: string): Set<string> {
  return new Set([...prompt.matchAll(/<image (\d+)>/g)].map(([, number = ""]) => `image_${number}`));
}

/** Source: MMMU-Benchmark/MMMU, `mmmu/README.md`, and `get_multi_choice_info` in `mmmu/utils/data_utils.py`. */
function problemOf({ id, question_type: type, answer, options }: Row): Record<string, unknown> {
  // of several right answers, the data set holds the list as Python writes it; the script takes a list
  if (type !== MULTIPLE_CHOICE) return { id, question_type: type, answer: pythonTexts(answer) ?? answer };
  const letters = options.map((_, index) => letterOf(index));
  const texts = Object.fromEntries(options.map((option, index) => [letterOf(index), option]));
  return { id, question_type: type, answer, all_choices: letters, index2ans: texts };
}

/** A folder for each subject, with a list of its answers. */
function filesOf(answers: readonly HandedOver[]): Map<string, unknown> {
  const files = new Map<string, Record<string, unknown>[]>();
  for (const { id, problem, text } of answers) {
    const [, subject = ""] = ID.exec(String(id)) ?? [];
    const file = `${subject}/output.json`;
    const row = { ...problem, response: text };
    const there = files.get(file);
    if (there === undefined) files.set(file, [row]);
    else there.push(row);
  }
  return files;
}

const handover: Handover = {
  to: "MMMU's main_parse_and_eval.py",
  ending: ".mmmu",
  files: filesOf,
};

const lmmsEval: Form = {
  split: "validation",
  needs: [ROWS],
  from: "lmms-lab/MMMU on the Hugging Face hub, or MMMU/MMMU with its folders of subjects",
  suffix: [`\n${OPTION_LETTER}`, `\n${SHORT_ANSWER}`],
  maxTokens: 16,
  remarks: [
    "MMMU's script draws an option where an answer names none, so nothing is scored here",
    "questions about several pictures are left out, because this model sees one at a time; lmms-eval shows it all of them",
  ],
  handover,
  read: (data, options) =>
    parquetSamples(
      data,
      {
        need: ROWS,
        schema: rowSchema,
        picture: PICTURES,
        sample: (row) => {
          const prompt = promptOf(row);
          const [column, second] = picturesIn(prompt);
          if (column === undefined || second !== undefined || !PICTURES.includes(column)) {
            options.leftOut?.();
            return undefined;
          }
          const { id, answer } = row;
          return { id, name: id, column, prompt, truth: { answers: [answer] }, problem: problemOf(row) };
        },
      },
      options,
    ),
};

/** MMMU (Yue et al. 2024), its validation split: answers only. */
export const mmmu: Task = { name: "mmmu", title: "MMMU", forms: { "lmms-eval": lmmsEval } };
