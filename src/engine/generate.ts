import { setImmediate } from "node:timers/promises";
import type { NativeContext } from "../language/ffi/context.ts";
import type { NativeSampler } from "../language/ffi/sampler.ts";
import type { LanguageModel } from "../language/language-model.ts";
import type { Answer } from "./api.ts";
import { TextStream } from "./text-stream.ts";

export interface GenerateOptions {
  readonly language: LanguageModel;
  /** holds the prompt, with the logits of its last position */
  readonly context: NativeContext;
  readonly sampler: NativeSampler;
  readonly maxTokens: number;
  /** @default false */
  readonly ignoreEnd?: boolean | undefined;
  /** `performance.now()` after which no further token is begun. @default none */
  readonly deadline?: number | undefined;
  /** @default none */
  readonly signal?: AbortSignal | undefined;
  /** @default none */
  readonly onText?: ((piece: string) => void) | undefined;
}

export interface Generated {
  readonly text: string;
  readonly ids: readonly number[];
  readonly finish: Answer["finish"];
  /** milliseconds to the first token, and from there to the end */
  readonly firstTokenMs: number;
  readonly decodeMs: number;
}

/** Samples tokens until an end token, the limit, the deadline or an abort. */
export async function generate(options: GenerateOptions): Promise<Generated> {
  const { language, context, sampler, maxTokens, ignoreEnd = false, deadline, signal, onText } = options;
  const stream = new TextStream();
  const ids: number[] = [];
  const start = performance.now();
  let firstTokenAt: number | undefined;
  let finish: Answer["finish"] = "length";
  const say = (piece: string): void => {
    if (piece !== "") onText?.(piece);
  };

  while (ids.length < maxTokens) {
    const stopped = stopReason(signal, deadline);
    if (stopped !== undefined) {
      finish = stopped;
      break;
    }
    const token = sampler.sample(context);
    firstTokenAt ??= performance.now();
    if (!ignoreEnd && language.endsAnswer(token)) {
      finish = "stop";
      break;
    }
    ids.push(token);
    say(stream.push(language.tokenBytes(token)));
    if (ids.length === maxTokens || context.length === context.contextTokens) break;
    context.decode({ input: { tokens: [token] }, logits: true });
    // lets messages in: an abort would otherwise wait for the whole answer
    await setImmediate();
  }
  say(stream.end());
  const end = performance.now();
  firstTokenAt ??= end;
  return { text: stream.text, ids, finish, firstTokenMs: firstTokenAt - start, decodeMs: end - firstTokenAt };
}

function stopReason(
  signal: AbortSignal | undefined,
  deadline: number | undefined,
): "interrupted" | "timeout" | undefined {
  if (signal?.aborted === true) return "interrupted";
  return deadline !== undefined && performance.now() > deadline ? "timeout" : undefined;
}
