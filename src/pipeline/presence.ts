import { FlashSlothError } from "../core/errors.ts";
import type { AnsweredRecord } from "./records.ts";

/** What is asked about a picture that may show something is answered with one of these. */
export const PRESENCE_CHOICES = ["yes", "no"] as const;

/** A whole question is asked as it is; what is to be seen, in the words that vision-language models are trained and tested with (POPE). */
export function presenceQuestion(what: string): string {
  const text = what.trim();
  return text.endsWith("?") ? text : `Is there ${text} in the image?`;
}

/** @returns of yes, among yes and no */
export function presenceProbability({ choices }: Pick<AnsweredRecord, "choices">): number {
  const probability = choices?.[0]?.probability;
  if (probability === undefined) throw new FlashSlothError("internal", "there is no probability of yes");
  return probability;
}
