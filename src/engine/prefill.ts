import type { ModelGeometry } from "../core/manifest.ts";
import type { EmbqSession } from "../language/embq.ts";
import type { DecodeOptions, NativeContext, Tap } from "../language/ffi/context.ts";
import type { LanguageModel } from "../language/language-model.ts";
import type { PromptTokens } from "./prompt.ts";

/** A picture as the language model reads it. */
export interface PictureFeatures {
  /** raw vision features of all crops: float32 [crops * 729, 1152] */
  readonly features: Float32Array;
  /** after pooling and projection: float32 [crops * 81, hidden] */
  readonly visualTokens: Float32Array;
}

/** What EmbQ read and wrote in one prefill: float32 [9, h], [T, h], [9, h]. */
export interface EmbqTrace {
  readonly queriesIn: Float32Array;
  readonly textIn: Float32Array;
  readonly queriesOut: Float32Array;
}

export interface PrefillOptions {
  readonly language: LanguageModel;
  /** undefined leaves EmbQ out */
  readonly embq: EmbqSession | undefined;
  readonly geometry: ModelGeometry;
  readonly context: NativeContext;
  readonly tokens: PromptTokens;
  readonly picture: PictureFeatures;
  /** positions of `system` and picture that the context already holds: all of them, or 0 */
  readonly reusable: number;
  /** Receives EmbQ's arrays. @default none */
  readonly onEmbq?: ((trace: EmbqTrace) => void) | undefined;
}

export interface Prefilled {
  /** positions that later questions about the same picture can keep */
  readonly prefix: number;
  /** milliseconds spent in EmbQ's own graph */
  readonly embqMs: number;
}

/**
 * Computes a prompt so that the last position's logits are ready, with EmbQ between two decoder layers
 * (paper section 3.3; upstream `llava_phi.py`, `PhiModel.forward`).
 *
 * Two phases, since llama.cpp's graph cannot wait for another runtime: everything before the queries is decoded,
 * keeping the question's hidden states; the tail (queries and ` ASSISTANT:`) is decoded only up to EmbQ's layer,
 * keeping the queries' hidden states; EmbQ runs; the tail is taken back and decoded whole with EmbQ's output
 * in its place.
 */
export async function prefill(options: PrefillOptions): Promise<Prefilled> {
  const { language, embq, geometry, context, tokens, picture, reusable, onEmbq } = options;
  const width = geometry.hiddenSize;
  const question = await language.embed(tokens.question); // [1 + T, h]
  const tail = concatRows([language.queries, await language.embed(tokens.assistant)]); // [9 + A, h]
  context.truncate(reusable);

  const prefixRows = reusable > 0 ? [] : [await language.embed(tokens.system), picture.visualTokens];
  const head = concatRows([...prefixRows, question]); // [32 + 81 + 1 + T, h], or [1 + T, h]
  const firstText = head.length / width - tokens.question.length + 1;
  const text = new RowCollector(firstText, tokens.question.length - 1, width);
  decodeRows(context, head, width, embq === undefined ? {} : { tap: text.tap });
  const prefix = context.length - tokens.question.length;

  if (embq === undefined) {
    decodeRows(context, tail, width, { logits: true });
    return { prefix, embqMs: 0 };
  }

  const tailStart = context.length;
  let queriesIn: Float32Array = new Float32Array(0);
  decodeRows(context, tail, width, {
    tap: (rows) => {
      queriesIn = rows.read(0, geometry.queries);
      return false;
    },
  });
  context.truncate(tailStart);

  const start = performance.now();
  const queriesOut = await embq.run({ queries: queriesIn, text: text.values, features: picture.features });
  const embqMs = performance.now() - start;
  onEmbq?.({ queriesIn, textIn: text.values, queriesOut });

  decodeRows(context, tail, width, {
    logits: true,
    tap: (rows) => {
      rows.write(0, queriesOut);
      return true;
    },
  });
  return { prefix, embqMs };
}

/** Decodes rows in as many graphs as the context's batch size asks for; logits only after the last. */
function decodeRows(
  context: NativeContext,
  rows: Float32Array,
  width: number,
  options: Omit<DecodeOptions, "input">,
): void {
  const step = context.batchTokens * width;
  for (let start = 0; start < rows.length; start += step) {
    const end = Math.min(start + step, rows.length);
    context.decode({
      input: { rows: rows.subarray(start, end) },
      logits: options.logits === true && end === rows.length,
      tap: options.tap,
    });
  }
}

/** Gathers a range of a tapped node's rows over the graphs that compute them. */
class RowCollector {
  /** float32 [count, width] */
  readonly values: Float32Array;
  readonly #first: number;
  readonly #count: number;
  readonly #width: number;
  #seen = 0;

  constructor(first: number, count: number, width: number) {
    this.#first = first;
    this.#count = count;
    this.#width = width;
    this.values = new Float32Array(count * width);
  }

  readonly tap: Tap = (rows) => {
    const from = Math.max(this.#first, this.#seen);
    const to = Math.min(this.#first + this.#count, this.#seen + rows.rows);
    if (to > from) {
      this.values.set(rows.read(from - this.#seen, to - from), (from - this.#first) * this.#width);
    }
    this.#seen += rows.rows;
    return true;
  };
}

function concatRows(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}
