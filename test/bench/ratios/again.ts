import { median } from "../../../src/bench/statistics.ts";
import { type Figure, ms, type Setup, withEngine } from "./figure.ts";

/** The second question about a picture against the first, warm. */
export async function againFigure(setup: Setup): Promise<Figure> {
  const { picture, question, rounds } = setup;
  const [first, second]: [number[], number[]] = [[], []];
  await withEngine(setup, async (engine) => {
    for (let round = 0; round < rounds + 1; round++) {
      const encoded = await engine.encodePicture(picture);
      const one = await engine.ask(encoded, { question, maxTokens: 1, ignoreEnd: true });
      const two = await engine.ask(encoded, { question: `And ${question}`, maxTokens: 1, ignoreEnd: true });
      await engine.release(encoded);
      if (round === 0) continue; // warms up
      first.push(encoded.ms.image + encoded.ms.vision + one.ms.prefill + one.ms.firstToken);
      second.push(two.ms.prefill + two.ms.firstToken);
    }
  });
  return {
    name: "second question / first question, to first token",
    value: median(second) / median(first),
    bar: { atMost: 0.15 },
    detail: `${ms(median(second))} and ${ms(median(first))}`,
  };
}
