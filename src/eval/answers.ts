import * as v from "valibot";
import type { JobId } from "../pipeline/job.ts";
import type { Outcome } from "../pipeline/outcome.ts";
import { stampIn } from "../pipeline/resume/stamp.ts";
import type { Settings } from "../pipeline/resume/settings.ts";
import { idSchema } from "./data/forms.ts";
import { jsonLines } from "./data/lines.ts";

/** What was said to a question. */
export interface GivenAnswer {
  /** @default there is none: it failed */
  readonly text: string | undefined;
  readonly prompt: string;
}

/** Answers, by what they answer; each stands for one sample. */
export class Answers {
  readonly #byId = new Map<string, GivenAnswer[]>();
  #left = 0;

  add(id: JobId, answer: GivenAnswer): void {
    const there = this.#byId.get(String(id));
    if (there === undefined) this.#byId.set(String(id), [answer]);
    else there.push(answer);
    this.#left++;
  }

  addOutcome({ record }: Outcome): void {
    const text = "error" in record ? undefined : record.answer;
    this.add(record.id ?? record.image, { text, prompt: record.question });
  }

  /**
   * The answer to a sample, which is then used up. Of several by one id, the one to that prompt: ids are pictures' in some
   * tasks. LLaVA's script for MMBench writes the prompt without its suffix.
   */
  take(id: JobId, prompt: string): GivenAnswer | undefined {
    const answers = this.#byId.get(String(id)) ?? [];
    let at = answers.findIndex((answer) => answer.prompt === prompt);
    if (at < 0) at = answers.findIndex((answer) => answer.prompt !== "" && prompt.startsWith(answer.prompt));
    if (at < 0) return undefined;
    this.#left--;
    return answers.splice(at, 1)[0];
  }

  /** How many were not taken. */
  get left(): number {
    return this.#left;
  }
}

const rowSchema = v.object({
  question_id: idSchema,
  prompt: v.string(),
  text: v.string(),
  model_id: v.optional(v.string()),
  metadata: v.optional(v.looseObject({ error: v.optional(v.object({ code: v.string() })) })),
});

/** A file of answers in LLaVA's form. */
export interface AnswerFile {
  readonly answers: Answers;
  readonly count: number;
  /** Every model that is named in it. */
  readonly models: readonly string[];
  /** Every set of settings that its answers were given with, as far as they say. */
  readonly settings: readonly Settings[];
}

/** Reads a file of answers: ours, or one that LLaVA's scripts wrote. @throws `usage` */
export async function readAnswers(file: string): Promise<AnswerFile> {
  const answers = new Answers();
  const models = new Set<string>();
  const settings = new Map<string, Settings>();
  let count = 0;
  for await (const { row } of jsonLines(file, rowSchema)) {
    const { question_id: id, prompt, text, model_id: model, metadata } = row;
    answers.add(id, { prompt, text: metadata?.error === undefined ? text : undefined });
    if (model !== undefined) models.add(model);
    const { own: _own, ...given } = stampIn(metadata)?.settings ?? {};
    if ("model" in given) settings.set(JSON.stringify(given), given);
    count++;
  }
  return { answers, count, models: [...models], settings: [...settings.values()] };
}
