import { measureRounds, uncompressedPositions } from "../../../src/bench/measure.ts";
import { timeToFirstToken } from "../../../src/bench/report.ts";
import { median } from "../../../src/bench/statistics.ts";
import { type Figure, ms, type Setup, withEngine } from "./figure.ts";

/** Time to first token, warm, without compression and with it, in turn. */
export async function compressionFigure(setup: Setup): Promise<Figure> {
  const { picture, question, rounds } = setup;
  const [plain, compressed]: [number[], number[]] = [[], []];
  await withEngine(
    setup,
    async (engine) => {
      const once = async (uncompressed: boolean): Promise<number> => {
        const options = { engine, picture, question, tokens: 1, warmup: 0, repeat: 1, uncompressed };
        const [round] = await measureRounds(options);
        return round === undefined ? Number.NaN : timeToFirstToken(round);
      };
      // the first opens the graph and makes the larger context
      await once(true);
      await once(false);
      for (let round = 0; round < rounds; round++) {
        plain.push(await once(true));
        compressed.push(await once(false));
      }
    },
    { positions: uncompressedPositions(setup.sizes) },
  );
  return {
    name: "time to first token, uncompressed / compressed",
    value: median(plain) / median(compressed),
    bar: { atLeast: 3 },
    detail: `${ms(median(plain))} and ${ms(median(compressed))}`,
  };
}
