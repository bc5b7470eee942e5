/** A number may be so far from the right one, as a part of it. */
const TOLERANCE = 0.05;

/**
 * Whether an answer about a chart is right: a number within 5 % of the right one (a percentage is a hundredth), else the same
 * text but for its case. Source: `lmms_eval/tasks/chartqa/utils.py`, `relaxed_correctness` (Masry et al. 2022, section 5.1).
 */
export function relaxedMatch(answer: string, truth: string): boolean {
  const [said, right] = [numberOf(answer), numberOf(truth)];
  if (said !== undefined && right !== undefined && right !== 0) {
    return Math.abs(said - right) / Math.abs(right) <= TOLERANCE;
  }
  return answer.toLowerCase() === truth.toLowerCase();
}

/** What Python's `float` takes for a finite number: blanks around it and underscores between digits may stand, commas not. */
const NUMBER = /^\s*[+-]?(\d(_?\d)*\.?(\d(_?\d)*)?|\.\d(_?\d)*)(e[+-]?\d(_?\d)*)?\s*$/i;
const INFINITE = /^\s*[+-]?inf(inity)?\s*$/i;

function numberOf(text: string): number | undefined {
  const plain = text.endsWith("%") ? text.replace(/%+$/, "") : text;
  if (INFINITE.test(plain)) return plain.trim().startsWith("-") ? -Infinity : Infinity;
  if (/^\s*[+-]?nan\s*$/i.test(plain)) return Number.NaN;
  if (!NUMBER.test(plain)) return undefined;
  const number = Number(plain.replaceAll("_", ""));
  return text.endsWith("%") ? number / 100 : number;
}
