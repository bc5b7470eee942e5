import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
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
 * Reads every file of the model once. That they were read a minute ago is not enough: a machine may reclaim pages nobody
 * has touched for a while though half its memory is free, and a cold start then measures the disk.
 */
export async function fillPageCache(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const chunks = createReadStream(join(directory, name), { highWaterMark: 2 ** 20 });
    for await (const _ of chunks);
  }
}

/**
 * A fresh process from its start to the first byte of the answer, against the same work in a loaded engine, in turn; never
 * both in memory at once.
 */
export async function coldFigure(setup: Setup): Promise<Figure> {
  const { picture, question, binary, rounds } = setup;
  const words = askWords(setup);
  await coldAsk(words, { binary });
  const [cold, warm]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    await fillPageCache(setup.directory);
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
