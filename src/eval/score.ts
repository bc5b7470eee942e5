import type { Answers } from "./answers.ts";
import { bootstrap, type Interval } from "./bootstrap.ts";
import { grouped } from "./scores/figures.ts";
import type { Graded, Metric, Sample, Scoring } from "./task.ts";

/** What answers are worth. */
export interface Score {
  readonly headline: Metric & { readonly unit: "%" | "points"; readonly interval: Interval };
  readonly details: readonly Metric[];
}

/** What became of a task's samples. */
export interface Tally {
  /** those that have an answer: what the score is of */
  answered: number;
  /** those that could not be answered */
  failed: number;
  /** those that no answer is there for */
  missing: number;
  /** answers of which the rule can make nothing */
  unreadable: number;
  /** answers to what is no sample of this data */
  foreign: number;
}

export interface ScoreOptions {
  readonly samples: AsyncIterable<Sample>;
  readonly answers: Answers;
  /** @default others score them */
  readonly scoring?: Scoring | undefined;
  /** Called for each sample that has an answer. @default nobody wants to know */
  readonly answered?: ((sample: Sample, text: string) => void) | undefined;
}

/** Holds answers against the truth. */
export async function scoreAnswers(
  options: ScoreOptions,
): Promise<{ readonly tally: Tally; readonly score: Score | undefined }> {
  const { samples, answers, scoring, answered } = options;
  const tally: Tally = { answered: 0, failed: 0, missing: 0, unreadable: 0, foreign: 0 };
  const graded: Graded[] = [];
  for await (const sample of samples) {
    const { id, prompt, truth } = sample;
    const answer = answers.take(id, prompt);
    if (answer === undefined) tally.missing++;
    else if (answer.text === undefined) tally.failed++;
    else {
      tally.answered++;
      answered?.(sample, answer.text);
      const grade = scoring?.grade(answer.text, truth);
      if (grade === undefined) continue;
      if (!grade.readable) tally.unreadable++;
      graded.push({ ...grade, truth });
    }
  }
  tally.foreign = answers.left;
  if (scoring === undefined || graded.length === 0) return { tally, score: undefined };
  const units = grouped(graded);
  const { name, unit, of: figure } = scoring.headline;
  const interval = bootstrap({ units, figure });
  return {
    tally,
    score: { headline: { name, unit, value: figure(units), interval }, details: scoring.details(units) },
  };
}
