import * as v from "valibot";
import { optionalText, wholeSchema } from "../data/forms.ts";
import type { Need } from "../data/folder.ts";
import { parquetSamples } from "../data/parquet-samples.ts";
import { letterOf, optionLines } from "../rules/options.ts";
import { accuracy, percent } from "../scores/figures.ts";
import { OPTION_LETTER, type Form, type Task, type Unit } from "../task.ts";

const ROWS: Need = {
  path: "ScienceQA-IMG/test-*.parquet",
  or: ["test-*.parquet"],
  what: "questions, options, pictures and answers",
};
const rowSchema = v.object({
  question: v.string(),
  choices: v.pipe(v.array(v.string()), v.minLength(1)),
  answer: wholeSchema,
  hint: optionalText,
});

/** `B`, `B.`, `B. The text`: an answer that begins with a letter and a full stop chooses it, says LLaVA. */
function letterAtStart(text: string): string | undefined {
  return /^([A-Z])(\.|$)/.exec(text.trim())?.[1];
}

/**
 * Right is the letter alone, whatever its case. The rule of FlashSloth's copy of lmms-eval would also take `B. The text`, but looks
 * for a capital after it has made all letters small. Source: `lmms_eval/tasks/scienceqa/utils.py`, `sqa_process_results`.
 */
function grade(
  text: string,
  answer: string | undefined,
): { score: number; readable: boolean; said?: string } {
  const said = letterAtStart(text);
  const score = text.trim().toLowerCase() === answer?.toLowerCase() ? 1 : 0;
  const readable = /^[a-z]$/i.test(text.trim());
  return { score, readable, ...(said !== undefined && { said }) };
}

/** The share whose letter at the start is right, in percent. */
function withText(units: readonly Unit[]): number {
  const right = units.filter(([one]) => one?.score === 1 || one?.said === one?.truth.answers[0]);
  return percent(right.length, units.length);
}

const lmmsEval: Form = {
  split: "IMG, test",
  needs: [ROWS],
  from: "lmms-lab/ScienceQA on the Hugging Face hub (ScienceQA-IMG)",
  suffix: OPTION_LETTER,
  maxTokens: 16,
  remarks: [
    "an answer like `B. The text` counts as wrong in FlashSloth's copy of lmms-eval, by a slip that later releases mended",
  ],
  scoring: {
    grade: (text, { answers: [answer] }) => grade(text, answer),
    headline: { name: "exact match", unit: "%", of: accuracy },
    details: (units) => [{ name: "or the letter with a full stop at the start", value: withText(units) }],
  },
  read: (data, options) =>
    parquetSamples(
      data,
      {
        need: ROWS,
        schema: rowSchema,
        picture: "image",
        sample: ({ question, choices, answer, hint }, id) => ({
          id,
          prompt: `${hint === "" ? "" : `Context: ${hint}\n`}${question}\n${optionLines(choices)}${OPTION_LETTER}`,
          truth: { answers: [letterOf(answer)], options: choices },
        }),
      },
      options,
    ),
};

/** ScienceQA (Lu et al. 2022), the questions that come with a picture. */
export const scienceqa: Task = {
  name: "scienceqa",
  title: "ScienceQA-IMG",
  forms: { "lmms-eval": lmmsEval },
};
