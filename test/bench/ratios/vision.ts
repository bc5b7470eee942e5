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
  // a peak is what nothing disturbed: on a shared machine, the best of several on both sides
  const rate = Math.max(...rates);
  const peak = Math.max(...peaks.packed);
  return {
    name: "vision / matrix-product peak",
    value: rate / peak,
    bar: { atLeast: 0.9 },
    detail: `${rate.toFixed(0)} and ${peak.toFixed(0)} GFLOP/s, the best of ${rates.length} passes and of ${rounds} x 5 products (medians of a round: ${median(rates).toFixed(0)} and ${median(peaks.packed).toFixed(0)}; ${Math.max(...peaks.plain).toFixed(0)} without packing ahead)`,
  };
}
