import type { ModelGeometry } from "../core/manifest.ts";
import type { EmbqSession } from "../vision/embq.ts";
import type { NativeContext, Tap, TappedRows } from "../language/ffi/context.ts";
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
  /** Whether the context already holds `system` and the picture; otherwise `system` alone. */
  readonly holdsPicture: boolean;
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
 * One pass: llama.cpp hands over the hidden states before EmbQ's layer and waits; the question's are kept, and the
 * queries' are replaced by what EmbQ makes of them before the next layer reads them.
 */
export async function prefill(options: PrefillOptions): Promise<Prefilled> {
  const { language, embq, geometry, context, tokens, picture, holdsPicture, onEmbq } = options;
  const width = geometry.hiddenSize;
  const { system, question, assistant } = tokens;
  const prefix = system.length + picture.visualTokens.length / width;
  const asked = await language.embed(question);
  const head = holdsPicture ? asked : concatRows([picture.visualTokens, asked]); // [1 + T, h], or [81 + 1 + T, h]
  const rows = concatRows([head, language.queries, await language.embed(assistant)]); // [... + 9 + A, h]
  const queriesAt = head.length / width;
  context.truncate(holdsPicture ? prefix : system.length);

  // EmbQ does not read the newline between picture and question
  const text = new RowCollector(queriesAt - question.length + 1, question.length - 1, width);
  let embqMs = 0;
  const lookAgain = (session: EmbqSession, graph: TappedRows, at: number): void => {
    const start = performance.now();
    const queriesIn = graph.read(at, geometry.queries);
    const queriesOut = session.run({ queries: queriesIn, text: text.values, features: picture.features });
    graph.write(at, queriesOut);
    embqMs = performance.now() - start;
    onEmbq?.({ queriesIn, textIn: text.values, queriesOut });
  };

  for (const [start, end] of graphSpans(rows.length / width, queriesAt, context.batchTokens)) {
    const tap: Tap | undefined =
      embq &&
      ((graph) => {
        text.collect(graph, start);
        if (end > queriesAt) lookAgain(embq, graph, queriesAt - start);
        return true;
      });
    context.decode({
      input: { rows: rows.subarray(start * width, end * width) },
      logits: end === rows.length / width,
      tap,
    });
  }
  return { prefix, embqMs };
}

/**
 * Cuts positions into as few graphs as the batch size allows, with everything from the queries on in the last one:
 * EmbQ needs all of the question before it.
 */
export function graphSpans(total: number, queriesAt: number, batch: number): [start: number, end: number][] {
  const spans: [number, number][] = [];
  let start = 0;
  while (total - start > batch) {
    const end = Math.min(start + batch, queriesAt);
    spans.push([start, end]);
    start = end;
  }
  spans.push([start, total]);
  return spans;
}

/** Gathers a range of positions' rows over the graphs that compute them. */
class RowCollector {
  /** float32 [count, width] */
  readonly values: Float32Array;
  readonly #first: number;
  readonly #width: number;

  constructor(first: number, count: number, width: number) {
    this.#first = first;
    this.#width = width;
    this.values = new Float32Array(count * width);
  }

  /** Takes what a graph that begins at position `start` has of the range. */
  collect(graph: TappedRows, start: number): void {
    const from = Math.max(this.#first, start);
    const to = Math.min(this.#first + this.values.length / this.#width, start + graph.rows);
    if (to > from) this.values.set(graph.read(from - start, to - from), (from - this.#first) * this.#width);
  }
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
