import { compressFlops, encoderFlops } from "../../../src/bench/flops.ts";
import { measureMatrixPeak } from "../../../src/bench/matrix-peak.ts";
import { median } from "../../../src/bench/statistics.ts";
import type { EngineHandle } from "../../../src/engine/api.ts";
import { type Figure, type Setup, withEngine } from "./figure.ts";

/** So many pictures that the weights are repacked, as they are for the peak. */
const MANY = 1000;
/** passes a round of either session */
const PASSES = 3;

/** The vision graph's rate, loaded for many pictures and for one, against plain matrix products of its shapes, in turn. */
export async function visionFigure(setup: Setup): Promise<Figure> {
  const { sizes, threads, picture, rounds } = setup;
  const flops = encoderFlops(sizes) + compressFlops(sizes);
  const rate = async (engine: EngineHandle): Promise<number> => {
    const encoded = await engine.encodePicture(picture);
    await engine.release(encoded);
    return flops / encoded.ms.vision / 1e6;
  };
  const products = async (prepack: boolean): Promise<number> =>
    (await measureMatrixPeak({ sizes, provider: "cpu", threads, runs: 5, prepack })).best;

  const rates = { many: [] as number[], single: [] as number[] };
  const peaks = { packed: [] as number[], plain: [] as number[] };
  const measure = async (many: EngineHandle, single: EngineHandle): Promise<void> => {
    await rate(many);
    await rate(single);
    for (let round = 0; round < rounds; round++) {
      peaks.packed.push(await products(true));
      for (let pass = 0; pass < PASSES; pass++) rates.many.push(await rate(many));
      peaks.plain.push(await products(false));
      for (let pass = 0; pass < PASSES; pass++) rates.single.push(await rate(single));
    }
  };
  await withEngine(setup, async (many) => withEngine(setup, async (single) => measure(many, single)), {
    pictures: MANY,
  });

  // a peak is what nothing disturbed: on a shared machine, the best of several on both sides
  const [many, single] = [Math.max(...rates.many), Math.max(...rates.single)];
  const [packed, plain] = [Math.max(...peaks.packed), Math.max(...peaks.plain)];
  return {
    name: "vision / matrix-product peak, in a run over many pictures",
    value: many / packed,
    bar: { atLeast: 0.9 },
    detail:
      `${many.toFixed(0)} and ${packed.toFixed(0)} GFLOP/s, the best of ${rates.many.length} passes and of ${rounds} x 5 products ` +
      `(medians of a round: ${median(rates.many).toFixed(0)} and ${median(peaks.packed).toFixed(0)}); ` +
      `loaded for one picture, without repacking: ${single.toFixed(0)}, ${(single / packed).toFixed(3)} of that peak ` +
      `and ${(single / plain).toFixed(3)} of the ${plain.toFixed(0)} of products that are not repacked either`,
  };
}
