import { coldAsk } from "../../../src/bench/cold.ts";
import { measureRounds } from "../../../src/bench/measure.ts";
import { median } from "../../../src/bench/statistics.ts";
import { type Figure, ms, type Setup, withEngine } from "./figure.ts";

/** Words of an `ask` that ends after its first few tokens. */
export function askWords({ picture, question, directory, threads }: Setup): string[] {
  const options = [
    "--model",
    directory,
    "--device",
    "cpu",
    "--threads",
    String(threads),
    "--max-tokens",
    "4",
  ];
  return [picture, "--question", question, "--no-download", "--quiet", ...options];
}

/**
 * A fresh process from its start to the first byte of the answer, against the same work in a loaded engine, in turn; never
 * both in memory at once. Each process that counts follows at once on one like it: a machine may reclaim the pages of files
 * that nobody touched for some seconds, and a virtual one hand free memory back to its host, which is slow to return it.
 */
export async function coldFigure(setup: Setup): Promise<Figure> {
  const { picture, question, binary, rounds } = setup;
  const words = askWords(setup);
  const [cold, warm]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    await coldAsk(words, { binary });
    cold.push((await coldAsk(words, { binary })).firstToken);
    const measured = await withEngine(setup, async (engine) =>
      measureRounds({ engine, picture, question, tokens: 4, warmup: 1, repeat: 1 }),
    );
    for (const { picture: encoded, answer } of measured) {
      warm.push(encoded.ms.image + encoded.ms.vision + answer.ms.prefill);
    }
  }
  return {
    name: "cold ask to first token / warm image + vision + prefill",
    value: median(cold) / median(warm),
    bar: { atMost: 1.25 },
    detail: `${ms(median(cold))} and ${ms(median(warm))}, files in the page cache`,
  };
}
