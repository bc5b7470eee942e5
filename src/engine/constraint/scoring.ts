import { FlashSlothError } from "../../core/errors.ts";
import type { NativeContext } from "../../language/ffi/context.ts";
import type { LanguageModel } from "../../language/language-model.ts";
import type { Answer } from "../api.ts";
import type { Budget, Continuation, Finding, PlannedRun } from "../continuation.ts";
import type { KvCache } from "../kv-cache.ts";
import { spellChoices, type ChoicesConstraint, type Spelling } from "./choices.ts";
import { ChoiceScores } from "./scores.ts";

export interface ChoiceScoringOptions {
  readonly constraint: ChoicesConstraint;
  readonly language: Pick<LanguageModel, "tokenize" | "embed" | "endTokens">;
  readonly context: Pick<NativeContext, "logits">;
  /** positions that are left after the prompt */
  readonly room: number;
  /** @default none */
  readonly onText?: ((piece: string) => void) | undefined;
}

/** One branch under way: the sequence it has, and how many of its tokens are computed. */
interface Branch {
  readonly index: number;
  readonly tokens: readonly number[];
  sequence: number | undefined;
  computed: number;
}

/** Scores every choice after a prompt, each in a branch of its own, and answers with the likeliest. */
export class ChoiceScoring implements Continuation {
  readonly ids: readonly number[] = [];
  firstTokenAt: number | undefined;
  readonly #options: ChoiceScoringOptions;
  readonly #spellings: readonly Spelling[];
  readonly #scores: ChoiceScores;
  #branches: Branch[];
  #begun = false;
  #finish: Answer["finish"] | undefined;

  /** @throws `usage` as `spellChoices`, and for a choice that does not fit into the model's context */
  constructor(options: ChoiceScoringOptions) {
    const { constraint, language, room } = options;
    this.#options = options;
    this.#spellings = spellChoices(constraint, (text) => language.tokenize(text));
    const long = this.#spellings.find(({ tokens }) => tokens.length > room);
    if (long !== undefined) {
      throw new FlashSlothError(
        "usage",
        `a choice is ${long.tokens.length} tokens long, and this model has room for ${room}`,
        { hint: "give shorter choices, or ask a shorter question" },
      );
    }
    const { endTokens } = language;
    this.#scores = new ChoiceScores({ constraint, spellings: this.#spellings, endTokens });
    this.#branches = this.#everyBranch();
  }

  get ended(): boolean {
    return this.#finish !== undefined;
  }

  takeLogits(row: number): void {
    const logits = this.#options.context.logits(row);
    for (const { index } of this.#branches) this.#scores.take(index, 0, logits);
    this.#begun = true;
  }

  branch(cache: KvCache, from: number, budget: Budget): PlannedRun[] {
    if (!this.#begun || this.ended) return [];
    const runs: PlannedRun[] = [];
    let left = Math.min(budget.rows, budget.outputs);
    for (const branch of this.#branches) {
      const count = Math.min(left, branch.tokens.length - branch.computed);
      if (count === 0) break;
      branch.sequence ??= this.#fork(cache, from);
      if (branch.sequence === undefined) break;
      runs.push(this.#run(cache, branch, branch.sequence, count));
      left -= count;
    }
    return runs;
  }

  prune(cache: KvCache): void {
    for (const { sequence } of this.#branches) if (sequence !== undefined) cache.close(sequence);
    this.#branches = this.#everyBranch();
    this.#begun = false;
  }

  stop(finish: "interrupted" | "timeout"): void {
    this.#finish ??= finish;
  }

  found(): Finding {
    const finish = this.#finish ?? "interrupted";
    if (finish !== "stop") return { text: "", ids: [], tokens: 0, finish };
    const { choices, best, mass } = this.#scores.result();
    const ids = this.#spellings.find(({ choice }) => choice === best)?.tokens ?? [];
    return { text: choices[best]?.text ?? "", ids, tokens: ids.length, finish, choices, mass };
  }

  dispose(): void {
    this.#branches = [];
  }

  #everyBranch(): Branch[] {
    return this.#scores.branches.map((tokens, index) => ({
      index,
      tokens,
      sequence: undefined,
      computed: 0,
    }));
  }

  #fork(cache: KvCache, from: number): number | undefined {
    const sequence = cache.open();
    if (sequence !== undefined) cache.share({ sequence: from, length: cache.length(from) }, sequence);
    return sequence;
  }

  #run(cache: KvCache, branch: Branch, sequence: number, count: number): PlannedRun {
    const tokens = branch.tokens.slice(branch.computed, branch.computed + count);
    return {
      sequence,
      rows: this.#options.language.embed(tokens),
      keys: tokens,
      logits: "all",
      computed: (first) => {
        for (let row = 0; row < count; row++) {
          const logits = this.#options.context.logits(first + row);
          this.#scores.take(branch.index, ++branch.computed, logits);
        }
        if (branch.computed === branch.tokens.length) this.#settle(cache, branch, sequence);
      },
    };
  }

  #settle(cache: KvCache, branch: Branch, sequence: number): void {
    cache.close(sequence);
    this.#branches = this.#branches.filter((other) => other !== branch);
    if (this.#branches.length > 0) return;
    this.firstTokenAt = performance.now();
    this.#finish = "stop";
    this.#options.onText?.(this.found().text);
  }
}
