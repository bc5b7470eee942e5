import type { Tap } from "../language/ffi/context.ts";
import type { RowTile } from "./capacity.ts";
import type { Budget, PlannedRun } from "./continuation.ts";
import type { KvCache } from "./kv-cache.ts";
import type { Sequence } from "./sequence.ts";

/** A run of the next batch, and whose it is. */
export interface OwnedRun {
  readonly owner: Sequence;
  readonly run: PlannedRun;
}

export interface BatchLimits extends Budget {
  /** in which the device computes rows. @default none */
  readonly tile?: RowTile | undefined;
}

/**
 * What goes into the next batch: one row of everything that generates, then what prompts have left, as far as it fits. After a
 * failure each of its sequences is computed by itself until it is known which one is to blame.
 */
export function planBatch(active: readonly Sequence[], cache: KvCache, limits: BatchLimits): OwnedRun[] {
  const suspect = active.find(({ suspected }) => suspected);
  const ready = (suspect ? [suspect] : active)
    .map((owner) => ({ owner, left: owner.left(cache) }))
    .toSorted((a, b) => a.left - b.left);
  const order = ready.map(({ owner }) => owner);
  const ahead = rowsAhead(
    ready.map(({ left }) => left),
    limits,
  );
  if (ahead !== undefined) {
    const planned = fill(order, cache, { rows: ahead, outputs: limits.outputs });
    if (planned.length > 0) return planned; // EmbQ's rows cannot be taken apart
  }
  return fill(order, cache, limits);
}

/**
 * How many rows go ahead so that full tiles are left: only of prompts alone, since what generates would bring new rows with
 * every batch.
 */
export function rowsAhead(lefts: readonly number[], { rows, tile }: BatchLimits): number | undefined {
  if (tile === undefined || lefts.some((left) => left <= 1)) return undefined;
  const total = Math.min(
    rows,
    lefts.reduce((sum, left) => sum + left, 0),
  );
  const over = total % tile.rows;
  return total > tile.rows && over > 0 && over <= tile.spare ? over : undefined;
}

function fill(order: readonly Sequence[], cache: KvCache, budget: Budget): OwnedRun[] {
  const planned: OwnedRun[] = [];
  let { rows, outputs } = budget;
  for (const owner of order) {
    if (rows === 0) break;
    for (const run of owner.plan(cache, { rows, outputs })) {
      planned.push({ owner, run });
      rows -= run.keys.length;
      outputs -= run.logits === "none" ? 0 : run.logits === "last" ? 1 : run.keys.length;
    }
  }
  return planned;
}

/** Shows each run's rows to whoever wants to see them; a failure there is that sequence's own. */
export function tapOf(planned: readonly OwnedRun[]): Tap | undefined {
  if (planned.every(({ run }) => run.see === undefined)) return undefined;
  return (graph) => {
    let first = 0;
    for (const { owner, run } of planned) {
      try {
        run.see?.(graph, first);
      } catch (error) {
        owner.failure ??= error;
      }
      first += run.keys.length;
    }
  };
}
