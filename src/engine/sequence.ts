import type { EmbqTap } from "./embq-tap.ts";
import type { Answer, AskHooks } from "./api.ts";
import type { Budget, Continuation, PlannedRun } from "./continuation.ts";
import type { KvCache } from "./kv-cache.ts";
import type { Prompt } from "./prompt.ts";

export interface SequenceOptions {
  readonly picture: number;
  readonly prompt: Prompt;
  readonly continuation: Continuation;
  /** undefined leaves EmbQ out */
  readonly embq: EmbqTap | undefined;
  /** float32 [n, hidden] of generated tokens */
  readonly embed: (tokens: readonly number[]) => Float32Array;
  /** positions of picture and question, for the answer */
  readonly tokens: { readonly image: number; readonly question: number };
  /** `performance.now()` after which nothing further is begun. @default none */
  readonly deadline?: number | undefined;
  /** Leave all of it in the cache, for a next turn. @default the picture's prefix alone */
  readonly keep?: boolean | undefined;
  readonly hooks: Pick<AskHooks, "signal">;
  /** Hears of logits before they are taken. @param row the batch's. @param step tokens before it. @default nobody */
  readonly onLogits?: ((row: number, step: number) => void) | undefined;
}

/** How a sequence enters the cache. */
export interface Entry {
  /** positions that are there already */
  readonly reused: number;
  /** those of them that were computed just now, for this sequence first of all */
  readonly charged: number;
  /** when the work on it began, on the clock of `performance.now` */
  readonly since: number;
}

/** One question on its way: waiting, in the cache under a sequence's number, or answered. */
export class Sequence {
  readonly options: SequenceOptions;
  readonly answer: Promise<Answer>;
  /** Its number in the cache, while it has one. */
  sequence: number | undefined;
  /** Whether a batch that it was part of has failed, and how often one did that held nothing else. */
  suspected = false;
  failures = 0;
  /** Whether it has begun again because it found no room, although it was alone. */
  cramped = false;
  /** What went wrong with it alone. */
  failure: unknown;
  /** Whether its picture is of no use to later questions. */
  leavesNothing = false;
  readonly #settle: { resolve(answer: Answer): void; reject(error: unknown): void };
  readonly #askedAt = performance.now();
  #startedAt: number | undefined;
  #promptAt: number | undefined;
  #held = 0;
  #charged = 0;

  constructor(options: SequenceOptions) {
    this.options = options;
    let settle: { resolve(answer: Answer): void; reject(error: unknown): void } | undefined;
    this.answer = new Promise<Answer>((resolve, reject) => {
      settle = { resolve, reject };
    });
    this.#settle = settle ?? { resolve: () => {}, reject: () => {} };
  }

  /** Positions that must be in the cache before anything new is known. */
  get total(): number {
    return this.options.prompt.length + this.options.continuation.ids.length;
  }

  /** Whether the picture's part of the prompt was computed for this question. */
  get computedPicture(): boolean {
    return this.#promptAt !== undefined && this.#held < this.options.prompt.prefix;
  }

  get ended(): boolean {
    return this.options.continuation.ended;
  }

  /** Takes a number in the cache, which holds the first positions already. */
  enter(sequence: number, { reused, charged, since }: Entry): void {
    this.sequence = sequence;
    if (this.#startedAt !== undefined) return; // it had begun before, and lost its place
    this.#startedAt = since;
    this.#held = reused;
    this.#charged = charged;
  }

  /** Rows that are to be computed next. */
  left(cache: KvCache): number {
    return this.sequence === undefined ? 0 : this.total - cache.length(this.sequence);
  }

  /** Ends its work, and leaves in the cache what a later question about the same picture begins with. */
  leaveBehind(cache: KvCache): void {
    const { prompt, continuation, keep } = this.options;
    const { sequence } = this;
    this.sequence = undefined;
    continuation.prune?.(cache);
    if (sequence === undefined) return;
    const length = keep === true ? cache.length(sequence) : prompt.prefix;
    cache.keep(sequence, this.leavesNothing ? 0 : length);
  }

  /** Gives its number back; what was computed after the prompt stays known, and is computed again when it comes back. */
  leave(cache: KvCache): void {
    this.options.continuation.prune?.(cache);
    if (this.sequence !== undefined) cache.close(this.sequence);
    this.sequence = undefined;
  }

  /** Ends with `interrupted` or `timeout` when it was asked to. */
  stopIfAsked(now: number): void {
    const { continuation, hooks, deadline } = this.options;
    if (hooks.signal?.aborted === true) continuation.stop("interrupted");
    else if (deadline !== undefined && now > deadline) continuation.stop("timeout");
  }

  /** What of it goes into the next batch. */
  plan(cache: KvCache, budget: Budget): PlannedRun[] {
    const { sequence } = this;
    if (sequence === undefined || this.ended) return [];
    const at = cache.length(sequence);
    if (at < this.total) {
      const run = this.#nextRun(sequence, at, budget);
      return run === undefined ? [] : [run];
    }
    return this.options.continuation.branch?.(cache, sequence, budget) ?? [];
  }

  /** Answers: with what was found, or why nothing was. */
  settle(error?: unknown): void {
    if (error === undefined) this.#settle.resolve(this.#describe());
    else this.#settle.reject(error);
    this.options.continuation.dispose();
  }

  #nextRun(sequence: number, from: number, budget: Budget): PlannedRun | undefined {
    const { prompt, continuation, embq, embed, onLogits } = this.options;
    const promptEnd = from < prompt.length ? prompt.graphEnd(from, budget.rows) : prompt.length;
    const to = promptEnd < prompt.length ? promptEnd : Math.min(this.total, from + budget.rows);
    const last = to === this.total;
    if (to === from || (last && budget.outputs === 0)) return undefined;
    const said = continuation.ids.slice(Math.max(0, from - prompt.length), Math.max(0, to - prompt.length));
    const asked = Math.min(to, prompt.length);
    const rows = from < asked ? prompt.rows(from, asked) : new Float32Array();
    const keys = [...prompt.keys.subarray(from, asked), ...said];
    return {
      sequence,
      rows: said.length === 0 ? rows : joined(rows, embed(said)),
      keys,
      logits: last ? "last" : "none",
      see:
        embq?.wants(from, asked) === true ? (graph, first) => embq.see(graph, first, from, asked) : undefined,
      computed: (first) => {
        if (!last) return;
        const row = first + keys.length - 1;
        this.#promptAt ??= performance.now();
        onLogits?.(row, continuation.ids.length);
        continuation.takeLogits(row);
      },
    };
  }

  #describe(): Answer {
    const { prompt, continuation, embq, tokens } = this.options;
    const { tokens: answered, ...found } = continuation.found();
    const end = performance.now();
    const startedAt = this.#startedAt ?? end;
    const promptAt = this.#promptAt ?? end;
    const firstTokenAt = continuation.firstTokenAt ?? promptAt;
    return {
      ...found,
      tokens: { ...tokens, prompt: prompt.length, answer: answered },
      reusedPositions: this.#held - this.#charged,
      ms: {
        wait: 0,
        queue: startedAt - this.#askedAt,
        prefill: promptAt - startedAt,
        embq: embq?.ms ?? 0,
        firstToken: firstTokenAt - promptAt,
        decode: end - firstTokenAt,
      },
    };
  }
}

function joined(a: Float32Array, b: Float32Array): Float32Array {
  const out = new Float32Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
