import { NativeGrammar } from "../../../src/language/ffi/grammar.ts";
import type { NativeModel } from "../../../src/language/ffi/model.ts";

/** Whether a grammar takes a whole text, token by token, and lets it end there. */
export function accepts(model: NativeModel, grammar: string, text: string): boolean {
  const native = new NativeGrammar({ model, grammar });
  try {
    for (const token of model.tokenize(text)) {
      if (!native.allows(token)) return false;
      native.accept(token);
    }
    return native.mayEnd;
  } finally {
    native.dispose();
  }
}
