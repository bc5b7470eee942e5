import type { Tokenizer } from "../../checkpoint/types.ts";
import { FlashSlothError } from "../../core/errors.ts";

/** llama.cpp's `enum llama_token_type`, as far as a FlashSloth needs it. */
export const TOKEN_TYPES = {
  /** text in GPT-2's byte alphabet, reached by merges */
  normal: 1,
  /** plain text that is never found in a user's text, and prints as nothing */
  control: 3,
  /** plain text that is looked for before the merges, longest first */
  userDefined: 4,
  /** a row of the embedding table that no text leads to */
  unused: 5,
} as const;

export interface Vocabulary {
  /** by id; as long as the embedding table has rows */
  readonly texts: readonly string[];
  /** {@link TOKEN_TYPES} by id */
  readonly types: readonly number[];
}

/**
 * The tokens as llama.cpp keeps them. Tokens that end an answer or stand for the queries become control tokens whether
 * the checkpoint calls them special or not: a question that spells them out stays plain text.
 * @throws `checkpoint-invalid` for ids beyond `size`, and for texts that llama.cpp could not tell apart
 */
export function vocabulary(tokenizer: Tokenizer, size: number): Vocabulary {
  const texts: (string | undefined)[] = [...tokenizer.tokens];
  const types: number[] = texts.map(() => TOKEN_TYPES.normal);
  for (const { id, text, special } of tokenizer.added) {
    if (id >= size) throw invalid(`token ${JSON.stringify(text)} has the id ${id} of ${size}`);
    texts[id] = text;
    types[id] = special ? TOKEN_TYPES.control : TOKEN_TYPES.userDefined;
  }
  for (const id of [tokenizer.eos, tokenizer.endOfText, tokenizer.learnable]) types[id] = TOKEN_TYPES.control;
  if (texts.length > size) throw invalid(`${texts.length} tokens for an embedding table of ${size} rows`);

  const used = new Map<string, number>();
  for (const [id, text] of texts.entries()) {
    if (text === undefined) continue;
    checkText(id, text);
    const other = used.get(text);
    if (other !== undefined) throw invalid(`tokens ${other} and ${id} are both ${JSON.stringify(text)}`);
    used.set(text, id);
  }

  const padded: string[] = [];
  for (let id = 0; id < size; id++) {
    const text = texts[id];
    if (text === undefined) types[id] = TOKEN_TYPES.unused;
    padded.push(text ?? paddingText(id, used));
  }
  return { texts: padded, types };
}

/** llama.cpp reads texts up to the first zero byte, replaces empty ones, and ends the process where two are equal. */
function checkText(id: number, text: string): void {
  const wellFormed = Buffer.from(text, "utf8").toString("utf8") === text;
  if (text === "" || text.includes("\0") || !wellFormed) {
    throw invalid(`token ${id} has a text that cannot be stored: ${JSON.stringify(text)}`);
  }
}

function paddingText(id: number, used: ReadonlyMap<string, number>): string {
  let text = `[PAD${id}]`;
  while (used.has(text)) text = `[${text}]`;
  return text;
}

function invalid(message: string): FlashSlothError {
  return new FlashSlothError("checkpoint-invalid", `tokenizer: ${message}`);
}
