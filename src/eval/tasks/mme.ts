import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import * as v from "valibot";
import { readFile } from "node:fs/promises";
import type { DataFolder, Need } from "../data/folder.ts";
import { idSchema } from "../data/forms.ts";
import { jsonLines } from "../data/lines.ts";
import { parquetSamples } from "../data/parquet-samples.ts";
import { byCategory, mean } from "../scores/figures.ts";
import {
  LONGEST_ANSWER,
  SHORT_ANSWER,
  type Form,
  type Metric,
  type Sample,
  type Scoring,
  type Task,
  type Unit,
} from "../task.ts";

const COGNITION = new Set([
  "commonsense_reasoning",
  "numerical_calculation",
  "text_translation",
  "code_reasoning",
]);
const YES_OR_NO = " Please answer yes or no.";

/**
 * Yes, no or other: the whole answer without its full stops, one letter, or what stands in its first four characters.
 * Source: `lmms_eval/tasks/mme/utils.py`, `parse_pred_ans`; alike in MME's `eval_tool/calculation.py`.
 */
export function firstYesNo(text: string): "yes" | "no" | "other" {
  const answer = text.toLowerCase().trim().replaceAll(".", "");
  if (answer === "y" || answer === "n") return answer === "y" ? "yes" : "no";
  const beginning = Array.from(answer).slice(0, 4).join("");
  if (answer.length > 1 && beginning.includes("yes")) return "yes";
  return answer.length > 1 && beginning.includes("no") ? "no" : "other";
}

/** A picture's part of its category's score, 0 to 200: accuracy over its questions, and as much again where all are right. */
function worth(unit: Unit): number {
  const accuracy = 100 * mean(unit.map(({ score }) => score));
  return accuracy + (unit.every(({ score }) => score === 1) ? 100 : 0);
}

/** The sum over categories of their pictures' mean. */
function points(units: readonly Unit[], wanted: (category: string) => boolean): number {
  return categoryPoints(units)
    .filter(({ name }) => wanted(name))
    .reduce((sum, { value }) => sum + value, 0);
}

function categoryPoints(units: readonly Unit[]): Metric[] {
  return [...byCategory(units)].map(([name, each]) => ({ name, value: mean(each.map(worth)) }));
}

const isCognition = (category: string): boolean => COGNITION.has(category);

const scoring: Scoring = {
  grade: (text, { answers: [answer] }) => {
    const said = firstYesNo(text);
    return { said, readable: said !== "other", score: said === answer ? 1 : 0 };
  },
  headline: { name: "perception + cognition", unit: "points", of: (units) => points(units, () => true) },
  details: (units) => [
    { name: "perception", value: points(units, (category) => !isCognition(category)) },
    { name: "cognition", value: points(units, isCognition) },
    ...categoryPoints(units),
  ],
};

const QUESTIONS: Need = { path: "llava_mme.jsonl", what: "the questions" };
const RELEASE: Need = {
  path: "MME_Benchmark_release_version",
  what: "a folder for each category: pictures, and a text file with the answers beside each",
};

const questionSchema = v.object({
  question_id: idSchema,
  image: v.pipe(v.string(), v.regex(/^[\w-]+\/./, "no CATEGORY/PICTURE")),
  text: v.string(),
});

async function* readLlava(data: DataFolder): AsyncGenerator<Sample, void, void> {
  const questions = await data.locate(QUESTIONS);
  const release = await data.locate(RELEASE);
  const truths = new Map<string, Map<string, string>>();
  for await (const { row, at } of jsonLines(questions, questionSchema)) {
    const { question_id: id, image, text: prompt } = row;
    const category = image.split("/")[0] ?? "";
    let known = truths.get(category);
    if (known === undefined) {
      known = await readTruths(data, join(release, category));
      truths.set(category, known);
    }
    const answer = known.get(truthKey(image, prompt));
    if (answer === undefined) {
      throw data.error(`${at}: ${join(release, category)} has no answer to that question about ${image}`);
    }
    const picture = await data.locate({
      path: join(basename(release), image),
      or: [join(basename(release), category, "images", basename(image)), join("images", image)],
      what: "a picture",
    });
    const truth = { answers: [answer], category, group: image };
    yield { id, image: picture, name: image, picture, prompt, truth };
  }
}

/** A question about a picture, in whichever form: what MME asks, without what it wants to be answered with. */
function truthKey(image: string, question: string): string {
  const name = basename(image).replace(/\.[^.]*$/, "");
  const plain = question.replace(SHORT_ANSWER.trim(), "").replace(YES_OR_NO.trim(), "");
  return `${name}\n${plain.replaceAll(/\s+/g, " ").trim()}`;
}

/** `question<TAB>answer`, a line each, in a text file for each picture; some categories have them in a folder of their own. */
async function readTruths(data: DataFolder, category: string): Promise<Map<string, string>> {
  const truths = new Map<string, string>();
  for (const folder of [join(category, "questions_answers_YN"), category]) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter((each) => each.endsWith(".txt"))) {
      const text = await readFile(join(folder, name), "utf8");
      for (const [index, line] of text.split(/\r?\n/).entries()) {
        if (line.trim() === "") continue;
        const [question = "", answer = ""] = line.split("\t");
        const right = answer.trim().toLowerCase();
        if (right !== "yes" && right !== "no") {
          throw data.error(`${join(folder, name)}:${index + 1}: no question, tab, and Yes or No`);
        }
        truths.set(truthKey(name, question), right);
      }
    }
  }
  return truths;
}

const llava: Form = {
  split: "14 categories",
  needs: [QUESTIONS, RELEASE],
  from: "llava_mme.jsonl: eval.zip of LLaVA (docs/Evaluation.md in haotian-liu/LLaVA); the pictures and answers: the authors of MME (BradyFU/Awesome-Multimodal-Large-Language-Models, branch Evaluation)",
  suffix: SHORT_ANSWER,
  maxTokens: LONGEST_ANSWER,
  scoring,
  read: readLlava,
};

const ROWS: Need = {
  path: "data/test-*.parquet",
  or: ["test-*.parquet"],
  what: "questions, pictures and answers",
};
const rowSchema = v.object({
  question_id: v.string(),
  question: v.string(),
  answer: v.pipe(v.string(), v.toLowerCase(), v.trim(), v.picklist(["yes", "no"])),
  category: v.string(),
});

const lmmsEval: Form = {
  split: "test",
  needs: [ROWS],
  from: "lmms-lab/MME on the Hugging Face hub",
  suffix: SHORT_ANSWER,
  maxTokens: 16,
  scoring,
  read: (data, options) =>
    parquetSamples(
      data,
      {
        need: ROWS,
        schema: rowSchema,
        picture: "image",
        sample: ({ question_id: id, question, answer, category }) => ({
          id,
          prompt: question.trim().replaceAll(YES_OR_NO, "") + SHORT_ANSWER,
          truth: { answers: [answer], category, group: `${category}/${id}` },
        }),
      },
      options,
    ),
};

/** MME (Fu et al. 2023): two questions about each picture, to one of which the answer is yes. */
export const mme: Task = { name: "mme", title: "MME", forms: { llava, "lmms-eval": lmmsEval } };
