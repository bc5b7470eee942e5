import { logSumExp } from "../log-sum-exp.ts";
import type { ChoicesConstraint, ScoredChoice, Spelling } from "./choices.ts";

/** A token of some spellings' common beginning. */
interface Node {
  readonly token: number;
  readonly children: Map<number, Node>;
  /** log-probability of everything up to this token */
  logprob: number;
  /** log-probability of everything up to this token and the end of the answer; unknown before its logits are read */
  end: number | undefined;
}

/**
 * The log-probability of every spelling and the end of the answer after it, from the logits of each token: fair for "red"
 * against "red circle". What spellings have in common is computed once.
 */
export class ChoiceScores {
  readonly #constraint: ChoicesConstraint;
  readonly #spellings: readonly Spelling[];
  readonly #endTokens: readonly number[];
  readonly #root: Node = { token: -1, children: new Map(), logprob: 0, end: undefined };
  /** Token sequences that together contain every spelling; each must be computed after the prompt, logits of all rows. */
  readonly branches: readonly (readonly number[])[];

  constructor(options: {
    readonly constraint: ChoicesConstraint;
    readonly spellings: readonly Spelling[];
    readonly endTokens: readonly number[];
  }) {
    this.#constraint = options.constraint;
    this.#spellings = options.spellings;
    this.#endTokens = options.endTokens;
    for (const { tokens } of options.spellings) {
      let node = this.#root;
      for (const token of tokens) {
        const child: Node = node.children.get(token) ?? {
          token,
          children: new Map(),
          logprob: Number.NaN,
          end: undefined,
        };
        node.children.set(token, child);
        node = child;
      }
    }
    this.branches = leaves(this.#root);
  }

  /**
   * Takes the logits after the prompt (`depth` 0) or after the first `depth` tokens of a branch; shorter depths of a branch
   * come before longer ones.
   * @param logits float32 [vocabulary]
   */
  take(branch: number, depth: number, logits: Float32Array): void {
    const node = this.#at((this.branches[branch] ?? []).slice(0, depth));
    if (node === undefined || node.end !== undefined) return;
    const total = logSumExp(logits);
    for (const child of node.children.values()) {
      child.logprob = node.logprob + (logits[child.token] ?? -Infinity) - total;
    }
    node.end = node.logprob + logSumExp(this.#endTokens.map((id) => logits[id] ?? -Infinity)) - total;
  }

  /** The choices in the order given, the index of the likeliest, and what the model gives to all of them together. */
  result(): { readonly choices: ScoredChoice[]; readonly best: number; readonly mass: number } {
    const { texts, normalize = "none" } = this.#constraint;
    const scored = texts.map((text, choice) => {
      const own = this.#spellings.filter((spelling) => spelling.choice === choice);
      const logprobs = own.map(({ tokens }) => this.#at(tokens)?.end ?? -Infinity);
      const compared = own.map(({ tokens, bytes }, index) => {
        const length = normalize === "none" ? 1 : normalize === "tokens" ? tokens.length : bytes;
        return (logprobs[index] ?? -Infinity) / length;
      });
      return { text, logprob: logSumExp(logprobs), compared: logSumExp(compared) };
    });
    const total = logSumExp(scored.map(({ compared }) => compared));
    const choices = scored.map(({ text, logprob, compared }) => ({
      text,
      logprob,
      // where the model gives nothing to any of them, none is likelier than another
      probability: total === -Infinity ? 1 / scored.length : Math.exp(compared - total),
    }));
    const most = Math.max(...choices.map(({ probability }) => probability));
    const best = choices.findIndex(({ probability }) => probability === most);
    return { choices, best, mass: Math.exp(logSumExp(scored.map(({ logprob }) => logprob))) };
  }

  #at(tokens: readonly number[]): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const token of tokens) node = node?.children.get(token);
    return node;
  }
}

function leaves(node: Node): number[][] {
  if (node.children.size === 0) return [[]];
  return [...node.children.values()].flatMap((child) => leaves(child).map((rest) => [child.token, ...rest]));
}
