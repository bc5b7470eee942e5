import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "../../../src/bench/statistics.ts";
import { readManifest } from "../../../src/core/model/manifest.ts";
import type { Answer } from "../../../src/engine/api.ts";
import { chosenParallel } from "../../../src/engine/capacity.ts";
import { buildLlamaTool } from "../llama/build.ts";
import { type Figure, type Setup, withEngine } from "./figure.ts";
import { llamaBatchedBench } from "./llama-bench.ts";

/** a caption */
const GENERATED = 40;
const SEQUENCES = [1, 2, 4, 8];
const HOUR_MS = 3_600_000;

/** One number of sequences: tokens a second while all generate, ours and theirs, and milliseconds of a picture's stages. */
interface Measured {
  readonly ours: number[];
  readonly theirs: number[];
  readonly vision: number[];
  readonly prefill: number[];
}

/**
 * Captions of several pictures at once against llama-batched-bench on the same file, in turn, and what that makes of
 * pictures an hour.
 */
export async function throughputFigures(setup: Setup): Promise<Figure[]> {
  const { directory, threads, rounds } = setup;
  const binary = await buildLlamaTool("batched-bench");
  const model = join(directory, (await readManifest(directory)).roles.language);
  const measured = new Map<number, Measured>();
  for (const sequences of SEQUENCES) {
    measured.set(sequences, { ours: [], theirs: [], vision: [], prefill: [] });
  }
  const folder = await mkdtemp(join(tmpdir(), "flashsloth-throughput-"));
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [sequences, into] of measured) {
        const { prompt } = await measureOurs(setup, sequences, into, folder);
        into.theirs.push(
          await llamaBatchedBench({ binary, model, threads, prompt, generate: GENERATED, sequences }),
        );
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const vision = Math.min(...[...measured.values()].flatMap((each) => each.vision));
  const hourly = new Map([...measured].map(([sequences, each]) => [sequences, picturesAnHour(each, vision)]));
  const best = Math.max(...hourly.values());
  const auto = chosenParallel("auto");
  const chosen = hourly.get(auto) ?? Number.NaN;
  return [
    ...[...measured].map(([sequences, { ours, theirs }]): Figure => {
      const [our, their] = [Math.max(...ours), Math.max(...theirs)];
      return {
        name: `generation of ${sequences} at once, ours / llama-batched-bench`,
        value: our / their,
        bar: { atLeast: 0.9 },
        detail:
          `${our.toFixed(1)} and ${their.toFixed(1)} tokens/s, the best of ${ours.length} ` +
          `(medians ${median(ours).toFixed(1)} and ${median(theirs).toFixed(1)}); ` +
          `${(hourly.get(sequences) ?? 0).toFixed(0)} pictures an hour`,
      };
    }),
    {
      name: `pictures an hour, --parallel auto (${auto}) / the best of ${SEQUENCES.join(", ")}`,
      value: chosen / best,
      bar: { atLeast: 0.97 },
      detail: `${chosen.toFixed(0)} and ${best.toFixed(0)} captions of ${GENERATED} tokens`,
    },
  ];
}

/** Asks about as many pictures at once, each with a prefix of its own, and generates past every answer's end. */
async function measureOurs(
  setup: Setup,
  sequences: number,
  into: Measured,
  folder: string,
): Promise<{ prompt: number }> {
  const { picture, question } = setup;
  return await withEngine(
    setup,
    async (engine) => {
      const encoded = await engine.encodePicture(picture);
      if (!encoded.cached) into.vision.push(encoded.ms.image + encoded.ms.vision);
      // the same picture under other numbers: its features are kept, nothing of it is shared in the KV cache
      const pictures = [encoded];
      while (pictures.length < sequences) pictures.push(await engine.encodePicture(picture));
      // every picture's part of the prompt is in the cache then, so that all captions begin in one batch
      for (const each of pictures) {
        const { ms } = await engine.ask(each, { question, maxTokens: 2, ignoreEnd: true });
        into.prefill.push(ms.prefill);
      }
      const ask = async (each: typeof encoded): Promise<Answer> =>
        engine.ask(each, { question: `${question} Now.`, maxTokens: GENERATED, ignoreEnd: true });
      const answers = await Promise.all(pictures.map(ask));
      const decode = Math.max(...answers.map(({ ms }) => ms.decode));
      into.ours.push((1000 * sequences * (GENERATED - 1)) / decode);
      const { prefixPrefills } = await engine.counters();
      if (prefixPrefills !== sequences) throw new Error("a caption waited for another picture's prefill");
      return { prompt: answers[0]?.tokens.prompt ?? 0 };
    },
    {
      parallel: sequences,
      pictures: 100,
      pictureCache: { features: join(folder, "features"), prefixes: join(folder, "prefixes") },
    },
  );
}

/** Vision and prefill one after the other, captions together. */
function picturesAnHour({ ours, prefill }: Measured, vision: number): number {
  const caption = (1000 * GENERATED) / Math.max(...ours);
  return HOUR_MS / (vision + Math.min(...prefill) + caption);
}
