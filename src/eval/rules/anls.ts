import { editDistance } from "../../core/edit-distance.ts";

/** Less alike than that is worth nothing. */
const LEAST = 0.5;

/**
 * Normalised Levenshtein similarity to the nearest of several answers (Biten et al. 2019), 0 where it is below one half. Blanks
 * count as one, case does not count; the length is that of the longer text as it was given. Source:
 * `lmms_eval/api/metrics.py`, `anls`.
 * @returns 0, or from 0.5 to 1
 */
export function anls(answer: string, truths: readonly string[]): number {
  const given = answer.trim();
  const similarities = truths.map((truth) => {
    const length = Math.max(characters(truth.toUpperCase()).length, characters(given.toUpperCase()).length);
    const distance = editDistance(characters(plain(truth)), characters(plain(given)));
    return length === 0 ? 1 : 1 - distance / length;
  });
  const best = Math.max(0, ...similarities);
  return best < LEAST ? 0 : best;
}

function plain(text: string): string {
  return text.trim().toLowerCase().replaceAll(/\s+/g, " ");
}

function characters(text: string): string[] {
  return Array.from(text);
}
