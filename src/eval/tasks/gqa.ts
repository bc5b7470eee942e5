import { basename, join } from "node:path";
import * as v from "valibot";
import type { DataFolder, Need } from "../data/folder.ts";
import { idSchema } from "../data/forms.ts";
import { jsonFile } from "../data/json.ts";
import { checked, jsonLines } from "../data/lines.ts";
import { ParquetFile, rowName } from "../data/parquet.ts";
import { ParquetPictures } from "../data/parquet-pictures.ts";
import { exactForm } from "../rules/exact.ts";
import { accuracy } from "../scores/figures.ts";
import { LONGEST_ANSWER, SHORT_ANSWER, type Form, type Sample, type Scoring, type Task } from "../task.ts";

/** @param same whether an answer is right */
function scoring(same: (answer: string, truth: string) => boolean): Scoring {
  return {
    grade: (text, { answers: [answer = ""] }) => ({
      score: same(text, answer) ? 1 : 0,
      readable: text.trim() !== "",
    }),
    headline: { name: "accuracy", unit: "%", of: accuracy },
    details: () => [],
  };
}

const QUESTIONS: Need = { path: "llava_gqa_testdev_balanced.jsonl", what: "the questions" };
const TRUTHS: Need = {
  path: "testdev_balanced_questions.json",
  or: ["data/testdev_balanced_questions.json", "questions/testdev_balanced_questions.json"],
  what: "the right answers",
};
const PICTURES: Need = { path: "images", or: ["data/images"], what: "the pictures" };

const questionSchema = v.object({ question_id: idSchema, image: v.string(), text: v.string() });
const truthsSchema = v.record(v.string(), v.object({ answer: v.string() }));

async function* readLlava(data: DataFolder): AsyncGenerator<Sample, void, void> {
  const questions = await data.locate(QUESTIONS);
  const file = await data.locate(TRUTHS);
  const pictures = await data.locate(PICTURES);
  const truths = new Map(Object.entries(await jsonFile(file, truthsSchema)));
  for await (const { row, at } of jsonLines(questions, questionSchema)) {
    const { question_id: id, image, text: prompt } = row;
    const answer = truths.get(String(id))?.answer;
    if (answer === undefined) throw data.error(`${at}: ${file} has no answer to question ${id}`);
    const picture = join(pictures, image);
    yield { id, image: picture, name: image, picture, prompt, truth: { answers: [answer] } };
  }
}

/** The answer without the full stops at its end, in lower case. Source: `scripts/convert_gqa_for_eval.py`, and GQA's `eval.py`. */
export function gqaForm(answer: string): string {
  return answer.replace(/\.+$/, "").toLowerCase();
}

const llava: Form = {
  split: "testdev, balanced",
  needs: [QUESTIONS, TRUTHS, PICTURES],
  from: "llava_gqa_testdev_balanced.jsonl: eval.zip of LLaVA (docs/Evaluation.md in haotian-liu/LLaVA); questions and pictures: cs.stanford.edu/people/dorarad/gqa",
  suffix: SHORT_ANSWER,
  maxTokens: LONGEST_ANSWER,
  scoring: scoring((answer, truth) => gqaForm(answer) === truth),
  read: readLlava,
};

const INSTRUCTIONS: Need = {
  path: "testdev_balanced_instructions/testdev-*.parquet",
  what: "the questions and answers",
};
const IMAGES: Need = { path: "testdev_balanced_images/testdev-*.parquet", what: "the pictures" };
const rowSchema = v.object({ id: v.string(), imageId: v.string(), question: v.string(), answer: v.string() });

async function* readParquet(data: DataFolder): AsyncGenerator<Sample, void, void> {
  const pictures = await ParquetPictures.open(await data.locateAll(IMAGES), { id: "id", picture: "image" });
  const columns = Object.keys(rowSchema.entries);
  for (const path of await data.locateAll(INSTRUCTIONS)) {
    const file = await ParquetFile.open(path, columns);
    for (const group of file.groups) {
      for (const [index, cells] of (await file.read(group, columns)).entries()) {
        const at = rowName(file, group.start + index);
        const { id, imageId, question, answer } = checked(cells, rowSchema, at);
        const picture = pictures.picture(imageId);
        if (picture === undefined) throw data.error(`${at}: there is no picture ${imageId}`);
        const name = `${basename(data.path)}/${imageId}`;
        yield {
          id,
          image: name,
          name: imageId,
          picture,
          prompt: question + SHORT_ANSWER,
          truth: { answers: [answer] },
        };
      }
    }
  }
}

const lmmsEval: Form = {
  split: "testdev, balanced",
  needs: [INSTRUCTIONS, IMAGES],
  from: "lmms-lab/GQA on the Hugging Face hub",
  suffix: SHORT_ANSWER,
  maxTokens: 16,
  scoring: scoring((answer, truth) => exactForm(answer.trim()) === exactForm(truth)),
  read: readParquet,
};

/** GQA (Hudson and Manning 2019): questions about objects, their properties and places. */
export const gqa: Task = { name: "gqa", title: "GQA", forms: { llava, "lmms-eval": lmmsEval } };
