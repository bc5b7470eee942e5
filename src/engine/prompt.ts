import type { LanguageModel } from "../language/language-model.ts";
import { FlashSlothError } from "../core/errors.ts";
import type { ModelGeometry } from "../core/manifest.ts";

/**
 * The published conversation template, split at the picture and at the queries
 * (upstream `llava/conversation.py`, "phi2": no BOS, no space at the end).
 */
export const SYSTEM_TEXT: string =
  "A chat between a curious user and an artificial intelligence assistant. " +
  "The assistant gives helpful, detailed, and polite answers to the user's questions. USER: ";
const ASSISTANT_TEXT = " ASSISTANT:";

/** The prompt's token ids in three runs; the picture stands after `system`, the queries after `question`. */
export interface PromptTokens {
  readonly system: readonly number[];
  /** `\n{question}`; its first token is the newline after the picture, which EmbQ does not read */
  readonly question: readonly number[];
  readonly assistant: readonly number[];
}

/** Positions of a whole prompt. */
export function promptPositions(tokens: PromptTokens, geometry: ModelGeometry, visualTokens: number): number {
  return (
    tokens.system.length + visualTokens + tokens.question.length + geometry.queries + tokens.assistant.length
  );
}

/**
 * Tokenises a question into the published template. Whatever the question contains is plain text.
 * @throws `usage` for a blank question
 */
export function tokenizePrompt(language: Pick<LanguageModel, "tokenize">, question: string): PromptTokens {
  if (question.trim() === "") {
    throw new FlashSlothError("usage", "the question is empty", {
      hint: 'ask something, like "what is this?"',
    });
  }
  return {
    system: language.tokenize(SYSTEM_TEXT),
    question: language.tokenize(`\n${question}`),
    assistant: language.tokenize(ASSISTANT_TEXT),
  };
}
