import { join } from "node:path";
import * as v from "valibot";
import type { DataFolder, Need } from "../data/folder.ts";
import { idSchema } from "../data/forms.ts";
import { jsonFile } from "../data/json.ts";
import { jsonLines } from "../data/lines.ts";
import { parquetSamples } from "../data/parquet-samples.ts";
import { consensus } from "../rules/consensus.ts";
import { accuracy } from "../scores/figures.ts";
import { LONGEST_ANSWER, SHORT_ANSWER, type Form, type Sample, type Scoring, type Task } from "../task.ts";

const scoring: Scoring = {
  grade: (text, { answers }) => ({ score: consensus(text, answers), readable: text.trim() !== "" }),
  headline: { name: "accuracy among ten people", unit: "%", of: accuracy },
  details: () => [],
};

const QUESTIONS: Need = { path: "llava_textvqa_val_v051_ocr.jsonl", what: "the questions, with OCR tokens" };
const TRUTHS: Need = { path: "TextVQA_0.5.1_val.json", what: "ten people's answers to each" };
const PICTURES: Need = { path: "train_images", what: "the pictures" };

const questionSchema = v.object({ question_id: idSchema, image: v.string(), text: v.string() });
const truthsSchema = v.object({
  data: v.array(v.object({ image_id: v.string(), question: v.string(), answers: v.array(v.string()) })),
});

async function* readLlava(data: DataFolder): AsyncGenerator<Sample, void, void> {
  const questions = await data.locate(QUESTIONS);
  const file = await data.locate(TRUTHS);
  const pictures = await data.locate(PICTURES);
  const truths = new Map(
    (await jsonFile(file, truthsSchema)).data.map(({ image_id, question, answers }) => [
      `${image_id}\n${question.toLowerCase()}`,
      answers,
    ]),
  );
  for await (const { row, at } of jsonLines(questions, questionSchema)) {
    const { question_id: id, image, text: prompt } = row;
    const answers = truths.get(`${id}\n${questionIn(prompt)}`);
    if (answers === undefined) throw data.error(`${at}: ${file} has no answers to that question about ${id}`);
    const picture = join(pictures, image);
    yield { id, image: picture, name: image, picture, prompt, truth: { answers } };
  }
}

/** The question of a prompt with OCR tokens, by which its answers are found. Source: `flashsloth/eval/eval_textvqa.py`. */
export function questionIn(prompt: string): string {
  const lines = prompt.split("\n");
  const [first = "", second = ""] = lines;
  const old = /Question: ([^]*?) Short answer:/.exec(prompt);
  if (prompt.startsWith("OCR tokens: ") && old !== null) return (old[1] ?? "").toLowerCase();
  return (prompt.startsWith("Reference OCR token:") && lines.length === 3 ? second : first).toLowerCase();
}

const llava: Form = {
  split: "val 0.5.1",
  needs: [QUESTIONS, TRUTHS, PICTURES],
  from: "llava_textvqa_val_v051_ocr.jsonl: eval.zip of LLaVA (docs/Evaluation.md in haotian-liu/LLaVA); answers and pictures: textvqa.org",
  suffix: SHORT_ANSWER,
  ocr: true,
  maxTokens: LONGEST_ANSWER,
  scoring,
  read: readLlava,
};

const ROWS: Need = {
  path: "data/validation-*.parquet",
  or: ["validation-*.parquet"],
  what: "questions, pictures and ten people's answers to each",
};
const rowSchema = v.object({ question_id: idSchema, question: v.string(), answers: v.array(v.string()) });

const lmmsEval: Form = {
  split: "validation",
  needs: [ROWS],
  from: "lmms-lab/textvqa on the Hugging Face hub",
  suffix: SHORT_ANSWER,
  maxTokens: LONGEST_ANSWER,
  scoring,
  read: (data, options) =>
    parquetSamples(
      data,
      {
        need: ROWS,
        schema: rowSchema,
        picture: "image",
        sample: ({ question_id: id, question, answers }) => ({
          id,
          prompt: capitalized(question) + SHORT_ANSWER,
          truth: { answers },
        }),
      },
      options,
    ),
};

/** Python's `capitalize`: the first letter large, all others small. */
export function capitalized(text: string): string {
  const [first = "", ...rest] = Array.from(text);
  return first.toUpperCase() + rest.join("").toLowerCase();
}

/** TextVQA (Singh et al. 2019): questions about what is written in pictures. */
export const textvqa: Task = { name: "textvqa", title: "TextVQA", forms: { llava, "lmms-eval": lmmsEval } };
