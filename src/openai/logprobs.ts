import type { LikelyToken, TokenLogprob } from "../engine/api.ts";

/** JSON has no infinity; OpenAI says this of what is as good as impossible. */
const IMPOSSIBLE = -9999;

/** `logprobs` of a choice: what the model gave to each token before temperature, top-p and constraints. */
export function logprobsBody(tokens: readonly TokenLogprob[]): object {
  return {
    content: tokens.map((token) => ({ ...likely(token), top_logprobs: token.top.map(likely) })),
    refusal: null,
  };
}

function likely({ bytes, logprob }: LikelyToken): object {
  return {
    token: Buffer.from(bytes).toString("utf8"),
    logprob: Math.max(logprob, IMPOSSIBLE),
    bytes: [...bytes],
  };
}
