/** Python's `string.punctuation`. */
const PUNCTUATION = /[!-/:-@[-`{-~]/g;

/**
 * An answer without its case and its ASCII punctuation, as lmms-eval compares it where a task says `ignore_case` and
 * `ignore_punctuation`. Source: `lmms_eval/api/metrics.py`, `exact_match_hf_evaluate`; what the model says is stripped before, in
 * `lmms_eval/api/task.py`, the right answer is not.
 */
export function exactForm(answer: string): string {
  return answer.toLowerCase().replaceAll(PUNCTUATION, "");
}
