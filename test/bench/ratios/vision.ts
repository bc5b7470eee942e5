import { compressFlops, encoderFlops } from "../../../src/bench/flops.ts";
import { measureMatrixPeak } from "../../../src/bench/matrix-peak.ts";
import { median } from "../../../src/bench/statistics.ts";
import { type Figure, type Setup, withEngine } from "./figure.ts";

/** The vision graph's rate against plain matrix products of its shapes, in turn. */
export async function visionFigure(setup: Setup): Promise<Figure> {
  const { sizes, threads, picture, rounds } = setup;
  const flops = encoderFlops(sizes) + compressFlops(sizes);
  const peaks = { packed: [] as number[], plain: [] as number[] };
  const rates: number[] = [];
  await withEngine(setup, async (engine) => {
    await engine.release(await engine.encodePicture(picture));
    for (let round = 0; round < rounds; round++) {
      for (const prepack of [true, false]) {
        const peak = await measureMatrixPeak({ sizes, device: "cpu", threads, runs: 5, prepack });
        peaks[prepack ? "packed" : "plain"].push(peak.best);
      }
      const encoded = await engine.encodePicture(picture);
      rates.push(flops / encoded.ms.vision / 1e6);
      await engine.release(encoded);
    }
  });
  const rate = median(rates);
  const peak = median(peaks.packed);
  return {
    name: "vision / matrix-product peak",
    value: rate / peak,
    bar: { atLeast: 0.9 },
    detail: `${rate.toFixed(0)} and ${peak.toFixed(0)} GFLOP/s (best of 5 a round; ${median(peaks.plain).toFixed(0)} without packing ahead)`,
  };
}
