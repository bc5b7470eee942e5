import { createHash } from "node:crypto";
import type { Outcome } from "../outcome.ts";

/** How much of a question's digest tells it from a picture's other questions. */
const DIGITS = 8;

/**
 * What an answer is called in a form where each must have a name: as its asker calls it, or after its picture, and its question
 * where a picture has several. The same in every run.
 * @param several whether a picture has more than one question
 */
export function idOf({ record }: Outcome, several: boolean): string | number {
  const { id, image, question } = record;
  if (id !== undefined) return id;
  return several ? `${image}#${digestOf(question).slice(0, DIGITS)}` : image;
}

/** 32 hex digits that stand for some texts. */
export function digestOf(...texts: readonly (string | number)[]): string {
  return createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 32);
}
