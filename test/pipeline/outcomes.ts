import type { FlashSlothError } from "../../src/core/errors.ts";
import type { Job, JobId } from "../../src/pipeline/job.ts";
import { questionFailure, type Outcome } from "../../src/pipeline/outcome.ts";
import type { AnsweredRecord } from "../../src/pipeline/records.ts";
import { answer, picture } from "./fake-engine.ts";

const MS = { load: 0, image: 0, vision: 0, prefill: 1, first_token: 1, decode: 1, total: 3 };

export interface OutcomeParts {
  /** @default one of `label` */
  readonly job?: Job;
  /** @default `a.png` */
  readonly label?: string;
  /** @default `Why?` */
  readonly question?: string;
  readonly id?: JobId;
  /** @default `Red.` */
  readonly text?: string;
  /** @default `stop` */
  readonly finish?: AnsweredRecord["finish"];
}

function about(parts: OutcomeParts): { job: Job; question: { text: string } } {
  const { label = "a.png", question = "Why?", id } = parts;
  const asked = { text: question };
  return { job: parts.job ?? { id, label, input: label, questions: [asked] }, question: asked };
}

/** What became of a question that was answered. */
export function answeredOutcome(parts: OutcomeParts = {}): Outcome {
  const { id, text = "Red.", finish = "stop" } = parts;
  const { job, question } = about(parts);
  return {
    job,
    question,
    record: {
      ...(id !== undefined && { id }),
      image: job.label,
      question: question.text,
      answer: text,
      model: "demo",
      finish,
      tokens: { image: 9, prompt: 58, answer: 5 },
      ms: MS,
    },
    measured: { picture: picture(1), answer: answer(text, { finish }) },
  };
}

/** What became of a question that failed. */
export function failedOutcome(error: FlashSlothError, parts: OutcomeParts = {}): Outcome {
  const { job, question } = about(parts);
  return questionFailure(job, question, error, "demo");
}
