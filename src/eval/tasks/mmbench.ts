import * as v from "valibot";
import type { DataFolder, Need } from "../data/folder.ts";
import { letterSchema, textOf, wholeSchema } from "../data/forms.ts";
import { checked } from "../data/lines.ts";
import { parquetSamples } from "../data/parquet-samples.ts";
import { tableRows } from "../data/table.ts";
import { chosenOption } from "../rules/option.ts";
import { optionLines } from "../rules/options.ts";
import { accuracy, byCategory, percent } from "../scores/figures.ts";
import {
  OPTION_LETTER,
  type Form,
  type ReadOptions,
  type Sample,
  type Scoring,
  type Task,
  type Truth,
  type Unit,
} from "../task.ts";

/** A circular variant of a question has its number, and so many millions more. */
const CIRCLE = 1_000_000;

/** The share of questions that are answered right in all their circular variants, in percent. */
function circular(units: readonly Unit[]): number {
  return percent(units.filter((unit) => unit.every(({ score }) => score === 1)).length, units.length);
}

const scoring: Scoring = {
  grade: (text, { answers: [answer], options = [] }) => {
    const said = chosenOption(text, options);
    return {
      score: said === answer ? 1 : 0,
      readable: said !== undefined,
      ...(said !== undefined && { said }),
    };
  },
  headline: { name: "right in all circular variants", unit: "%", of: circular },
  details: (units) => [
    { name: "each variant by itself", value: accuracy(units) },
    ...[...byCategory(units)].map(([name, each]) => ({ name, value: circular(each), samples: each.length })),
  ],
};

const REMARKS = [
  "an answer that names no option counts as wrong; the authors' script asks GPT which one it means",
];

function truthOf(index: number, answer: string, options: readonly string[], category: string): Truth {
  return { answers: [answer], options, category, group: String(index % CIRCLE) };
}

const TABLE: Need = {
  path: "mmbench_dev_20230712.tsv",
  or: ["mmbench_dev_*.tsv"],
  what: "questions, options, pictures and answers",
};
const COLUMNS = ["index", "question", "hint", "A", "B", "C", "D", "answer", "category", "image"];
const cellsSchema = v.object({
  index: v.pipe(v.string(), v.regex(/^\d+$/, "no number"), v.transform(Number)),
  question: v.string(),
  answer: letterSchema,
  image: v.pipe(v.string(), v.regex(/^[\w+/=-]+$/, "no base64")),
});

async function* readLlava(data: DataFolder, { pictures }: ReadOptions): AsyncGenerator<Sample, void, void> {
  const file = await data.locate(TABLE);
  for await (const { cells, at } of tableRows(file, COLUMNS)) {
    const { index, question, answer, image } = checked(Object.fromEntries(cells), cellsSchema, at);
    const options = optionsOf((letter) => cells.get(letter));
    const hint = textOf(cells.get("hint"));
    const asked = [
      ...(hint === undefined ? [] : [hint]),
      question,
      ...(options.length > 0 ? [optionLines(options)] : []),
    ];
    yield {
      id: index,
      image: `${file}#${index}`,
      name: `mmbench#${index}`,
      picture: pictures ? new Uint8Array(Buffer.from(image, "base64")) : new Uint8Array(),
      prompt: asked.join("\n") + OPTION_LETTER,
      truth: truthOf(index, answer, options, cells.get("category") ?? ""),
    };
  }
}

/** The options up to the first that is missing. */
function optionsOf(cell: (letter: string) => string | null | undefined): string[] {
  const options: string[] = [];
  for (const letter of "ABCD") {
    const text = textOf(cell(letter));
    if (text === undefined) break;
    options.push(text);
  }
  return options;
}

const llava: Form = {
  split: "dev (20230712)",
  needs: [TABLE],
  from: "download.openmmlab.com/mmclassification/datasets/mmbench/mmbench_dev_20230712.tsv",
  suffix: OPTION_LETTER,
  maxTokens: 1024,
  remarks: REMARKS,
  scoring,
  read: readLlava,
};

const ROWS: Need = {
  path: "en/dev-*.parquet",
  or: ["dev-*.parquet"],
  what: "questions, options, pictures and answers",
};
const cell = v.nullish(v.string());
const rowSchema = v.object({
  index: wholeSchema,
  question: v.string(),
  hint: cell,
  A: cell,
  B: cell,
  C: cell,
  D: cell,
  answer: letterSchema,
  category: v.string(),
});

const lmmsEval: Form = {
  split: "en, dev",
  needs: [ROWS],
  from: "lmms-lab/MMBench on the Hugging Face hub (en)",
  suffix: `\n${OPTION_LETTER}`,
  maxTokens: 1024,
  remarks: REMARKS,
  scoring,
  read: (data, options) =>
    parquetSamples(
      data,
      {
        need: ROWS,
        schema: rowSchema,
        picture: "image",
        sample: (row) => {
          const { index, question, hint, answer, category } = row;
          const choices = optionsOf((letter) => row[letter as "A" | "B" | "C" | "D"]);
          const before = textOf(hint) === undefined ? "" : `${textOf(hint)} `;
          const listed = `There are several options:\n${optionLines(choices)}`;
          return {
            id: index,
            prompt: `${before}${question} ${listed}\n${OPTION_LETTER}`,
            truth: truthOf(index, answer, choices, category),
          };
        },
      },
      options,
    ),
};

/** MMBench (Liu et al. 2023), its English dev split, each question with its options in every order around. */
export const mmbench: Task = {
  name: "mmbench",
  title: "MMBench-dev",
  forms: { llava, "lmms-eval": lmmsEval },
};
