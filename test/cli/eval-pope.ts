import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readDrawings } from "../demo/demo-model.ts";
import { DRAWINGS_FOLDER } from "./binary.ts";

export const CATEGORIES = ["random", "popular", "adversarial"] as const;

/** One question of a set like POPE's, and its label. */
export interface PopeQuestion {
  readonly question_id: number;
  readonly image: string;
  readonly text: string;
  readonly category: string;
  readonly label: "yes" | "no";
}

function lines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

/** A folder like POPE's, made of the drawings that ask whether something is there. @returns its questions in their order */
export async function makePope(folder: string): Promise<PopeQuestion[]> {
  const drawings = (await readDrawings()).filter(({ kind }) => kind === "exist");
  const questions = drawings.map(({ image, question, answer }, index): PopeQuestion => {
    const category = CATEGORIES[Math.floor((index * CATEGORIES.length) / drawings.length)] ?? "random";
    return {
      question_id: index + 1,
      image,
      text: question,
      category,
      label: answer === "Yes." ? "yes" : "no",
    };
  });
  await mkdir(join(folder, "coco"), { recursive: true });
  await symlink(DRAWINGS_FOLDER, join(folder, "val2014"));
  await writeFile(
    join(folder, "llava_pope_test.jsonl"),
    lines(questions.map(({ label: _label, ...question }) => question)),
  );
  for (const category of CATEGORIES) {
    const labels = questions.filter((question) => question.category === category);
    await writeFile(
      join(folder, `coco/coco_pope_${category}.json`),
      lines(labels.map(({ question_id, image, text, label }) => ({ question_id, image, text, label }))),
    );
  }
  return questions;
}
