import { homedir } from "node:os";
import { join } from "node:path";
import { median } from "../../../src/bench/statistics.ts";
import { readManifest } from "../../../src/core/manifest.ts";
import { type Figure, type Setup, withEngine } from "./figure.ts";
import { buildLlamaBench, llamaBench } from "./llama-bench.ts";

const GENERATED = 32;

/**
 * Prefill and generation against llama-bench on the same file, in turn. Our prefill is the whole prompt with a picture
 * in it; only EmbQ's own graph, which onnxruntime runs, is taken out.
 */
export async function languageFigures(setup: Setup): Promise<Figure[]> {
  const { directory, picture, question, threads, rounds } = setup;
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const binary = await buildLlamaBench(join(cache, "flashsloth-bench"));
  const model = join(directory, (await readManifest(directory)).roles.language);
  const rates = { prefill: [] as number[], whole: [] as number[], generate: [] as number[] };
  const theirs = { prefill: [] as number[], generate: [] as number[] };
  const positions = await withEngine(setup, async (engine) => {
    // asked in turn, so that no question finds its picture's prefix in the cache
    const pictures = [await engine.encodePicture(picture), await engine.encodePicture(picture)] as const;
    const ask = (round: number) =>
      engine.ask(pictures[round % 2 === 0 ? 0 : 1], { question, maxTokens: GENERATED, ignoreEnd: true });
    const warm = await ask(1);
    const prompt = warm.tokens.prompt;

    for (let round = 0; round < rounds; round++) {
      const common = { binary, model, threads };
      theirs.prefill.push(await llamaBench({ ...common, prompt, generate: 0, depth: 0 }));
      // llama-bench warms up in each of its runs; our process has slept in the meantime and does so too
      await ask(2 * round);
      const { ms, tokens } = await ask(2 * round + 1);
      rates.prefill.push((1000 * positions) / (ms.prefill - ms.embq));
      rates.whole.push((1000 * positions) / ms.prefill);
      rates.generate.push((1000 * (tokens.answer - 1)) / ms.decode);
      theirs.generate.push(await llamaBench({ ...common, prompt: 0, generate: GENERATED, depth: prompt }));
    }
    for (const encoded of pictures) await engine.release(encoded);
    return prompt;
  });
  const ours = median(rates.prefill);
  const llama = median(theirs.prefill);
  return [
    {
      name: "prefill, ours / llama-bench",
      value: ours / llama,
      bar: { atLeast: 0.97 },
      detail: `${positions} positions: ${ours.toFixed(1)} and ${llama.toFixed(1)} tokens/s; with EmbQ's graph ${median(rates.whole).toFixed(1)}`,
    },
    {
      name: "generation, ours / llama-bench",
      value: median(rates.generate) / median(theirs.generate),
      bar: { atLeast: 0.97 },
      detail: `${GENERATED} tokens after ${positions}: ${median(rates.generate).toFixed(2)} and ${median(theirs.generate).toFixed(2)} tokens/s`,
    },
  ];
}
