import type { TappedRows } from "../language/ffi/context.ts";
import type { EmbqSession } from "../vision/embq.ts";
import type { QueryGroup } from "./prompt.ts";

/** What EmbQ read and wrote for one question of a prompt: float32 [9, h], [T, h], [9, h]. */
export interface EmbqTrace {
  /** the question's place among the prompt's, the oldest is 0 */
  readonly turn: number;
  readonly queriesIn: Float32Array;
  readonly textIn: Float32Array;
  readonly queriesOut: Float32Array;
}

export interface EmbqTapOptions {
  readonly session: EmbqSession;
  readonly groups: readonly QueryGroup[];
  /** raw vision features: float32 [crops * 729, 1152] */
  readonly features: Float32Array;
  /** of a hidden state */
  readonly width: number;
  /** Receives EmbQ's arrays. @default none */
  readonly onEmbq?: ((trace: EmbqTrace) => void) | undefined;
}

/**
 * EmbQ between two decoder layers of one prompt (paper section 3.3; upstream `llava_phi.py`, `PhiModel.forward`): gathers a
 * question's hidden states over the graphs that compute them, and replaces its queries' by what EmbQ makes of both before
 * the next layer reads them.
 */
export class EmbqTap {
  readonly #options: EmbqTapOptions;
  /** float32 [T, h] for each group, as far as they have been seen */
  readonly #texts: Float32Array[];
  #ms = 0;

  constructor(options: EmbqTapOptions) {
    this.#options = options;
    this.#texts = options.groups.map(
      ({ textFrom, queriesFrom }) => new Float32Array((queriesFrom - textFrom) * options.width),
    );
  }

  /** milliseconds spent in EmbQ's own graph so far */
  get ms(): number {
    return this.#ms;
  }

  /** Whether a graph of positions `from` up to `to` concerns it. */
  wants(from: number, to: number): boolean {
    return this.#options.groups.some(({ textFrom, queriesTo }) => textFrom < to && from < queriesTo);
  }

  /** @param first the graph's row that stands at position `from` */
  see(graph: TappedRows, first: number, from: number, to: number): void {
    for (const [index, group] of this.#options.groups.entries()) {
      const { textFrom, queriesFrom, queriesTo } = group;
      const text = this.#texts[index] ?? new Float32Array();
      const [start, end] = [Math.max(textFrom, from), Math.min(queriesFrom, to)];
      if (start < end) {
        const rows = graph.read(first + start - from, end - start);
        text.set(rows, (start - textFrom) * this.#options.width);
      }
      if (from <= queriesFrom && queriesTo <= to) {
        this.#lookAgain(graph, first + queriesFrom - from, queriesTo - queriesFrom, {
          turn: index,
          textIn: text,
        });
      }
    }
  }

  #lookAgain(
    graph: TappedRows,
    at: number,
    count: number,
    { turn, textIn }: Pick<EmbqTrace, "turn" | "textIn">,
  ): void {
    const { session, features, onEmbq } = this.#options;
    const start = performance.now();
    const queriesIn = graph.read(at, count);
    const queriesOut = session.run({ queries: queriesIn, text: textIn, features });
    graph.write(at, queriesOut);
    this.#ms += performance.now() - start;
    onEmbq?.({ turn, queriesIn, textIn, queriesOut });
  }
}
