import { coldAsk } from "../../../src/bench/cold.ts";
import { coldStages } from "../../../src/bench/run-cold.ts";
import type { Measured } from "./measured.ts";

export interface AskOursOptions {
  /** a converted model's folder */
  readonly directory: string;
  readonly binary: string;
  readonly picture: string;
  readonly question: string;
  readonly threads: number;
  readonly maxTokens: number;
}

/** One question to us: a process that streams its answer, timed from outside, and one that says what took how long. */
export async function askOurs(options: AskOursOptions): Promise<Measured> {
  const { directory, binary, picture, question, threads, maxTokens } = options;
  const numbers = ["--threads", String(threads), "--max-tokens", String(maxTokens)];
  const model = ["--model", directory, "--device", "cpu", "--no-download"];
  const words = [picture, "--question", question, "--quiet", ...model, ...numbers];
  const { firstToken } = await coldAsk(words, { binary });
  const { ms, bench } = await coldStages(words, { binary });
  return {
    imageTokens: bench.image_tokens.after,
    vision: ms.vision,
    prefill: ms.prefill,
    firstToken,
    token: 1000 / (bench.decode_tokens_per_second ?? Number.NaN),
    peakMemory: bench.peak_memory_bytes,
  };
}
