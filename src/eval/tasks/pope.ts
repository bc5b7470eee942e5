import * as v from "valibot";
import { join } from "node:path";
import type { DataFolder, Need } from "../data/folder.ts";
import { jsonLines } from "../data/lines.ts";
import { idSchema } from "../data/forms.ts";
import { parquetSamples } from "../data/parquet-samples.ts";
import { accuracy, byCategory } from "../scores/figures.ts";
import { f1, meanF1, yesNoFigures } from "../scores/yes-no.ts";
import {
  LONGEST_ANSWER,
  SHORT_ANSWER,
  type Form,
  type Grade,
  type Sample,
  type Task,
  type Truth,
} from "../task.ts";

const QUESTIONS: Need = { path: "llava_pope_test.jsonl", what: "the questions" };
const PICTURES: Need = { path: "val2014", what: "the pictures of COCO's validation set of 2014" };

function labelsOf(category: string): Need {
  return { path: `coco/coco_pope_${category}.json`, what: `the labels of the category ${category}` };
}

const questionSchema = v.object({
  question_id: idSchema,
  image: v.string(),
  text: v.string(),
  category: v.pipe(v.string(), v.regex(/^\w+$/, "no plain word")),
});
const labelSchema = v.object({ label: v.picklist(["yes", "no"]) });

/** Labels belong to the questions of their category by order, as `flashsloth/eval/eval_pope.py` pairs them. */
async function* readLlava(data: DataFolder): AsyncGenerator<Sample, void, void> {
  const questions = await data.locate(QUESTIONS);
  const pictures = await data.locate(PICTURES);
  const labels = new Map<string, { readonly file: string; readonly labels: string[]; taken: number }>();
  for await (const { row } of jsonLines(questions, questionSchema)) {
    const { question_id: id, image, text, category } = row;
    let known = labels.get(category);
    if (known === undefined) {
      const file = await data.locate(labelsOf(category));
      known = { file, labels: [], taken: 0 };
      for await (const { row: label } of jsonLines(file, labelSchema)) known.labels.push(label.label);
      labels.set(category, known);
    }
    const label = known.labels[known.taken++];
    if (label === undefined) {
      throw data.error(
        `${known.file} has ${known.labels.length} labels, and ${questions} asks more questions of ${category}`,
      );
    }
    const picture = join(pictures, image);
    yield {
      id,
      image: picture,
      name: image,
      picture,
      prompt: text,
      truth: { answers: [label], category },
    };
  }
  for (const { file, labels: all, taken } of labels.values()) {
    if (taken === all.length) continue;
    throw data.error(`${file} has ${all.length} labels, and ${questions} asks ${taken} questions about them`);
  }
}

/**
 * The first sentence without its commas; it says no where one of its words is No, no or not, else yes.
 * Source: `flashsloth/eval/eval_pope.py`, `eval_pope`.
 */
export function llavaYesNo(text: string): Pick<Grade, "readable"> & { readonly said: "yes" | "no" } {
  const [sentence = ""] = text.split(".");
  const words = sentence.replaceAll(",", "").split(" ");
  const no = words.some((word) => word === "No" || word === "no" || word === "not");
  return { said: no ? "no" : "yes", readable: no || words.some((word) => /^yes$/i.test(word)) };
}

/** The whole answer, in lower case. Source: `lmms_eval/tasks/pope/utils.py`, `pope_process_results`. */
export function wholeYesNo(text: string): Pick<Grade, "said" | "readable"> {
  const said = text.toLowerCase().trim();
  return { said, readable: said === "yes" || said === "no" };
}

const llava: Form = {
  split: "COCO: random, popular, adversarial",
  needs: [QUESTIONS, ...["random", "popular", "adversarial"].map(labelsOf), PICTURES],
  from: "llava_pope_test.jsonl: eval.zip of LLaVA (docs/Evaluation.md in haotian-liu/LLaVA); coco/: output/coco of AoiDragon/POPE; val2014/: cocodataset.org",
  suffix: SHORT_ANSWER,
  maxTokens: LONGEST_ANSWER,
  remarks: [
    "what says neither yes nor no counts as yes (eval_pope.py)",
    "the paper does not say whether its figure is F1 or accuracy; LLaVA states the mean F1",
  ],
  scoring: {
    grade: (text, truth) => graded(llavaYesNo(text), truth),
    headline: { name: "F1, mean of the categories", unit: "%", of: meanF1 },
    details: (units) => [
      { name: "accuracy, all together", value: accuracy(units) },
      ...[...byCategory(units)].flatMap(([category, each]) => yesNoFigures(each, `, ${category}`, "said")),
    ],
  },
  read: readLlava,
};

function graded(said: Pick<Grade, "said" | "readable">, { answers: [answer] }: Truth): Grade {
  return { ...said, score: said.said === answer ? 1 : 0 };
}

const ROWS: Need = {
  path: "data/test-*.parquet",
  or: ["test-*.parquet"],
  what: "questions, pictures and answers",
};
const rowSchema = v.object({
  question_id: idSchema,
  question: v.string(),
  answer: v.pipe(v.string(), v.toLowerCase(), v.trim(), v.picklist(["yes", "no"])),
  category: v.string(),
});

const lmmsEval: Form = {
  split: "test",
  needs: [ROWS],
  from: "lmms-lab/POPE on the Hugging Face hub",
  suffix: SHORT_ANSWER,
  maxTokens: 128,
  remarks: [
    "the yes ratio is that of the right answers, as lmms-eval counts it",
    "the paper does not say whether its figure is F1 or accuracy; LLaVA states the mean F1",
  ],
  scoring: {
    grade: (text, truth) => graded(wholeYesNo(text), truth),
    headline: { name: "F1", unit: "%", of: f1 },
    details: (units) => [
      ...yesNoFigures(units, "", "true").filter(({ name }) => name !== "F1"),
      ...[...byCategory(units)].map(([name, each]) => ({ name: `F1, ${name}`, value: f1(each) })),
    ],
  },
  read: (data, options) =>
    parquetSamples(
      data,
      {
        need: ROWS,
        schema: rowSchema,
        picture: "image",
        sample: ({ question_id: id, question, answer, category }) => ({
          id: `${category}/${id}`, // each category counts from 1
          prompt: question.trim() + SHORT_ANSWER,
          truth: { answers: [answer], category },
        }),
      },
      options,
    ),
};

/** POPE (Li et al. 2023): whether an object is in the picture. */
export const pope: Task = { name: "pope", title: "POPE", forms: { llava, "lmms-eval": lmmsEval } };
