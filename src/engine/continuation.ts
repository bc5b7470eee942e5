import type { Run, TappedRows } from "../language/ffi/context.ts";
import type { Answer } from "./api.ts";
import type { KvCache } from "./kv-cache.ts";

/** Rows that are wanted in the next batch, and what becomes of them. */
export interface PlannedRun extends Run {
  /** What the rows' positions hold, as in `Prompt.keys`: [n] */
  readonly keys: readonly number[];
  /** Sees the graph's tapped rows, of which the run's begin at `first`. @default it is not concerned */
  readonly see?: ((graph: TappedRows, first: number) => void) | undefined;
  /** Called when the rows are in the cache. @param first the batch's row with which the run begins */
  readonly computed: (first: number) => void;
}

/** What one batch still has room for. */
export interface Budget {
  readonly rows: number;
  /** rows whose logits are wanted */
  readonly outputs: number;
}

/** What a continuation found: an answer without what only its sequence knows. */
export type Finding = Pick<Answer, "text" | "ids" | "finish" | "choices" | "mass" | "logprobs"> & {
  /** generated tokens */
  readonly tokens: number;
};

/** What comes after a prompt: tokens one by one, or the scores of given answers. */
export interface Continuation {
  /** Tokens that follow the prompt; what of them is not in the cache yet is computed next. */
  readonly ids: readonly number[];
  /** when the first of them was known, on the clock of `performance.now` */
  readonly firstTokenAt: number | undefined;
  readonly ended: boolean;
  /** Takes the logits of the last of prompt and tokens, which are the batch's at `row`. */
  takeLogits(row: number): void;
  /**
   * Runs in sequences of their own that go on where `sequence` ends.
   * @default none
   */
  branch?(cache: KvCache, sequence: number, budget: Budget): PlannedRun[];
  /** Lets go of the branches: what was in the cache is lost. @default there are none */
  prune?(cache: KvCache): void;
  /** Ends it early. */
  stop(finish: "interrupted" | "timeout"): void;
  /** Once it has ended. */
  found(): Finding;
  /** Frees what it owns. Idempotent. */
  dispose(): void;
}
