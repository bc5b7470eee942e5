import { coldStages } from "../../../src/bench/run-cold.ts";
import { median } from "../../../src/bench/statistics.ts";
import { askWords } from "./cold.ts";
import type { Figure, Setup } from "./figure.ts";

/** Most memory that a cold `ask` ever has resident, mapped files included, of a q4_k_m model with fp32 vision. */
export async function memoryFigure(setup: Setup): Promise<Figure> {
  const { binary, rounds, highDefinition } = setup;
  const peaks: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { bench } = await coldStages(askWords(setup), { binary });
    peaks.push(bench.peak_memory_bytes / 1e9);
  }
  return {
    name: "peak resident memory of a cold ask, GB",
    value: median(peaks),
    bar: { atMost: highDefinition ? 5.5 : 4.5 },
    detail: `${peaks.map((peak) => peak.toFixed(2)).join(", ")} GB, mapped files included`,
  };
}
