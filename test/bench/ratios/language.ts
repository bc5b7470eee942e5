import { join } from "node:path";
import { median } from "../../../src/bench/statistics.ts";
import { readManifest } from "../../../src/core/model/manifest.ts";
import type { Answer } from "../../../src/engine/api.ts";
import { buildLlamaTool } from "../llama/build.ts";
import { type Figure, type Setup, withEngine } from "./figure.ts";
import { llamaBench } from "./llama-bench.ts";

const GENERATED = 32;
/** measurements a round on either side */
const REPEATS = 3;

/**
 * Prefill and generation against llama-bench on the same file, in turn. Our prefill is a prompt with a picture in it, behind
 * the text that is in the cache from the picture before; only EmbQ's own graph, which onnxruntime runs, is taken out.
 */
export async function languageFigures(setup: Setup): Promise<Figure[]> {
  const { directory, picture, question, threads, rounds } = setup;
  const binary = await buildLlamaTool("llama-bench");
  const model = join(directory, (await readManifest(directory)).roles.language);
  const rates = { prefill: [] as number[], whole: [] as number[], generate: [] as number[] };
  const theirs = { prefill: [] as number[], generate: [] as number[] };
  const positions = await withEngine(setup, async (engine) => {
    // encoded anew, so that no question finds its picture's prefix in the cache
    const ask = async (): Promise<Answer> => {
      const encoded = await engine.encodePicture(picture);
      const answer = await engine.ask(encoded, { question, maxTokens: GENERATED, ignoreEnd: true });
      await engine.release(encoded);
      return answer;
    };
    await ask();
    const warm = await ask();
    const depth = warm.reusedPositions;
    const prompt = warm.tokens.prompt - depth; // computed anew for each picture

    for (let round = 0; round < rounds; round++) {
      const common = { binary, model, threads, repeats: REPEATS };
      theirs.prefill.push(...(await llamaBench({ ...common, prompt, generate: 0, depth })));
      // llama-bench warms up in each of its runs; our process has slept in the meantime and does so too
      await ask();
      for (let repeat = 0; repeat < REPEATS; repeat++) {
        const { ms, tokens } = await ask();
        rates.prefill.push((1000 * prompt) / (ms.prefill - ms.embq));
        rates.whole.push((1000 * prompt) / ms.prefill);
        rates.generate.push((1000 * (tokens.answer - 1)) / ms.decode);
      }
      theirs.generate.push(
        ...(await llamaBench({ ...common, prompt: 0, generate: GENERATED, depth: depth + prompt })),
      );
    }
    return { prompt, depth };
  });
  const prefill = compared(rates.prefill, theirs.prefill);
  const generation = compared(rates.generate, theirs.generate);
  return [
    {
      name: "prefill, ours / llama-bench",
      value: prefill.ratio,
      bar: { atLeast: 0.97 },
      detail: `${positions.prompt} positions after ${positions.depth}: ${prefill.detail}; with EmbQ's graph ${Math.max(...rates.whole).toFixed(1)}`,
    },
    {
      name: "generation, ours / llama-bench",
      value: generation.ratio,
      bar: { atLeast: 0.97 },
      detail: `${GENERATED} tokens after ${positions.depth + positions.prompt}: ${generation.detail}`,
    },
  ];
}

/** The fastest of several on either side: what else a shared machine does only ever adds time. */
function compared(
  ours: readonly number[],
  theirs: readonly number[],
): { readonly ratio: number; readonly detail: string } {
  const [our, their] = [Math.max(...ours), Math.max(...theirs)];
  const medians = `${median(ours).toFixed(1)} and ${median(theirs).toFixed(1)}`;
  return {
    ratio: our / their,
    detail: `${our.toFixed(1)} and ${their.toFixed(1)} tokens/s, the best of ${ours.length} (medians ${medians})`,
  };
}
