import type { Answer } from "./api.ts";

/** What of an answer its rate is worked out from. */
export interface DecodedAnswer {
  readonly tokens: Pick<Answer["tokens"], "answer">;
  readonly ms: Pick<Answer["ms"], "decode">;
}

/** Tokens a second after the first one, by the engine's own clock; null when there was none or no time passed. */
export function decodeRate({ tokens, ms }: DecodedAnswer): number | null {
  const later = tokens.answer - 1;
  return later > 0 && ms.decode > 0 ? (later * 1000) / ms.decode : null;
}
