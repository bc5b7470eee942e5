import { evalAiForm } from "./eval-ai.ts";

/** So many others must have said the same for an answer to count in full. */
const ENOUGH = 3;

/**
 * How far an answer agrees with those of (ten) people: the mean, over each of them left out in turn, of
 * min(1, how many of the others said the same / 3), in EvalAI's form. Source: `flashsloth/eval/m4c_evaluator.py`,
 * `TextVQAAccuracyEvaluator`; alike `lmms_eval/tasks/textvqa/utils.py`.
 * @returns 0 to 1
 */
export function consensus(answer: string, people: readonly string[]): number {
  const said = evalAiForm(answer);
  const same = people.map((each) => evalAiForm(each) === said);
  const count = same.filter(Boolean).length;
  const scores = same.map((own) => Math.min(1, (own ? count - 1 : count) / ENOUGH));
  return scores.reduce((sum, score) => sum + score, 0) / Math.max(1, scores.length);
}
