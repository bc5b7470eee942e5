import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { coldAsk } from "../../../src/bench/cold.ts";
import { median } from "../../../src/bench/statistics.ts";
import { askWords } from "./cold.ts";
import { type Figure, ms, type Setup } from "./figure.ts";

/**
 * Another question about the picture of a moment ago, in a new process, against the first question about that picture, from the
 * start of each process to the first byte of its answer. Every round has a picture that was never seen; the prompt's beginning is
 * known from the start.
 */
export async function newProcessFigure(setup: Setup): Promise<Figure> {
  const { binary, rounds } = setup;
  const home = await mkdtemp(join(tmpdir(), "flashsloth-new-process-"));
  const ask = async (picture: string, question: string): Promise<number> => {
    const words = askWords({ ...setup, picture, question });
    const environment = { FLASHSLOTH_HOME: home };
    return (await coldAsk(words, { binary, environment, cache: true })).firstToken;
  };
  const [first, second]: [number[], number[]] = [[], []];
  try {
    for (let round = -1; round < rounds; round++) {
      const picture = join(home, `${round}.png`);
      await sharp(setup.picture)
        .modulate({ brightness: 1 + (round + 1) / 100 })
        .png()
        .toFile(picture);
      const times = [await ask(picture, "What is in this picture?"), await ask(picture, "Is there a dog?")];
      if (round < 0) continue; // warms up, and keeps the prompt's beginning
      first.push(times[0] ?? Number.NaN);
      second.push(times[1] ?? Number.NaN);
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
  return {
    name: "another question in a new process / first question, to first token",
    value: median(second) / median(first),
    bar: { atMost: 0.4 },
    detail: `${ms(median(second))} and ${ms(median(first))}, loading and all`,
  };
}
