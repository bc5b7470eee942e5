import { NativeGrammar } from "../../../src/language/ffi/grammar.ts";
import type { NativeModel } from "../../../src/language/ffi/model.ts";
import { Random } from "./random.ts";

export interface Said {
  /** what was said, whole or not */
  readonly text: string;
  /** whether it ended where the grammar lets it */
  readonly finished: boolean;
}

/** Tokens after which the speaker wants to come to an end, and after which it is stopped. */
const PATIENCE = 8;
const MOST_TOKENS = 400;

/**
 * Says something that the grammar allows and nothing else governs: every token has a random logit, and after a while
 * those that close something are preferred.
 */
export function sayAnything(model: NativeModel, grammar: string, seed: number): Said {
  const random = new Random(seed);
  const native = new NativeGrammar({ model, grammar });
  const closing = closingTokens(model);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let text = "";
  try {
    for (let count = 0; count < MOST_TOKENS; count++) {
      const logits = Float32Array.from({ length: model.vocabSize }, () => random.unit());
      if (count >= PATIENCE) for (const [token, bonus] of closing) logits[token] = bonus + random.unit();
      let token = likeliest(logits);
      if (!native.allows(token)) {
        native.mask(logits);
        token = likeliest(logits);
      }
      native.accept(token);
      if (model.endsGeneration(token)) return { text: (text + decoder.decode()).trim(), finished: true };
      text += decoder.decode(model.tokenBytes(token), { stream: true });
    }
    return { text, finished: false };
  } finally {
    native.dispose();
  }
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let token = 1; token < logits.length; token++) {
    if ((logits[token] ?? 0) > (logits[best] ?? 0)) best = token;
  }
  return best;
}

const known = new WeakMap<NativeModel, ReadonlyMap<number, number>>();

/** What brings an answer nearer to its end, the more so the higher. */
function closingTokens(model: NativeModel): ReadonlyMap<number, number> {
  const before = known.get(model);
  if (before !== undefined) return before;
  const bonus = new Map<number, number>();
  for (const [value, texts] of [
    [2, ["{", "["]],
    [4, ["0", ",", ":"]],
    [6, ['"', "]", "}"]],
  ] as const) {
    for (const token of texts.flatMap((text) => model.tokenize(text))) bonus.set(token, value);
  }
  for (let token = 0; token < model.vocabSize; token++) if (model.endsGeneration(token)) bonus.set(token, 20);
  known.set(model, bonus);
  return bonus;
}
