import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EncodedPicture } from "../../src/engine/api.ts";
import { Engine } from "../../src/engine/engine.ts";
import { convertDemo, DRAWINGS, readDrawings, type Drawing } from "../demo/demo-model.ts";

/** Below this distance between the two likeliest tokens, another batch's rounding may choose the other. */
const SAFE_MARGIN = 0.05;

/** One drawing's question, answered alone. */
interface Alone extends Drawing {
  readonly text: string;
  /** the smallest distance between the two likeliest tokens, of all tokens of the answer */
  readonly margin: number;
}

/** The distance between the largest and the second largest value. */
function marginOf(logits: Float32Array): number {
  let [first, second] = [-Infinity, -Infinity];
  for (const value of logits) {
    if (value > first) [first, second] = [value, first];
    else if (value > second) second = value;
  }
  return first - second;
}

/** A permutation that depends on the seed alone. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const out = [...items];
  let state = seed;
  for (let i = out.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const j = state % (i + 1);
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}

describe("many questions at once", () => {
  let demo: Awaited<ReturnType<typeof convertDemo>>;
  let alone: Alone[];

  beforeAll(async () => {
    demo = await convertDemo();
    const engine = await Engine.load({ directory: demo.directory, device: "cpu", parallel: 1 });
    alone = [];
    for (const drawing of await readDrawings()) {
      const picture = await engine.encodePicture(join(DRAWINGS, drawing.image));
      let margin = Infinity;
      const onLogits = (logits: Float32Array): void => void (margin = Math.min(margin, marginOf(logits)));
      const { text } = await engine.ask(picture, { question: drawing.question }, { onLogits });
      await engine.release(picture);
      alone.push({ ...drawing, text, margin });
    }
    await engine.dispose();
  });

  afterAll(async () => demo?.remove());

  describe.each([2, 4, 8, 16])("%i in a batch", (parallel) => {
    let engine: Engine;
    const pictures = new Map<string, EncodedPicture>();

    beforeAll(async () => {
      engine = await Engine.load({ directory: demo.directory, device: "cpu", parallel });
      for (const { image } of alone) pictures.set(image, await engine.encodePicture(join(DRAWINGS, image)));
    });

    afterAll(async () => engine?.dispose());

    it("are answered as alone, whatever the order, up to margins", async () => {
      const before = await engine.counters();
      for (const seed of parallel === 8 ? [1, 2, 3] : [1]) {
        const different = await Promise.all(
          shuffled(alone, seed).map(async ({ image, question, text, margin }) => {
            const picture = pictures.get(image);
            if (picture === undefined) throw new Error(`${image} is not encoded`);
            const answer = await engine.ask(picture, { question });
            return answer.text === text ? [] : [{ image, question, text, margin, instead: answer.text }];
          }),
        );
        expect(different.flat().length).toBeLessThanOrEqual(alone.length / 100);
        expect(different.flat().filter(({ margin }) => margin >= SAFE_MARGIN)).toEqual([]);
      }
      const after = await engine.counters();
      const rounds = parallel === 8 ? 3 : 1;
      expect(after.questions - before.questions).toBe(200 * rounds);
      // alone, each of these questions takes four batches and more
      expect(after.batches - before.batches).toBeLessThan((200 * rounds * 5) / parallel + 20 * rounds);
      expect(after.restarts).toBe(0);
    });
  });

  it("computes a picture's prefix once for all questions that are asked about it at once", async () => {
    const engine = await Engine.load({ directory: demo.directory, device: "cpu", parallel: 8 });
    const [first] = alone;
    if (first === undefined) throw new Error("no drawings");
    const picture = await engine.encodePicture(join(DRAWINGS, first.image));
    const questions = ["What color is the circle?", "How many shapes are there?", first.question];
    const together = await Promise.all(questions.map(async (question) => engine.ask(picture, { question })));
    const { prefixPrefills } = await engine.counters();
    expect(prefixPrefills).toBe(1);
    for (const [index, question] of questions.entries()) {
      expect((await engine.ask(picture, { question })).text).toBe(together[index]?.text);
    }
    expect((await engine.counters()).prefixPrefills).toBe(1);
    await engine.release(picture);
    await engine.dispose();
  });

  it("lets a question join others that have begun, and replaces one that is done at once", async () => {
    const engine = await Engine.load({ directory: demo.directory, device: "cpu", parallel: 2 });
    const pictures = await Promise.all(
      ["003.png", "001.png", "023.png"].map(async (name) => engine.encodePicture(join(DRAWINGS, name))),
    );
    const [long, short, third] = pictures;
    if (long === undefined || short === undefined || third === undefined) throw new Error("three pictures");
    const order: string[] = [];
    const onText = (): void => {
      if (order[0] !== "begun") order.push("begun");
    };
    const running = engine
      .ask(long, { question: "Describe the image.", maxTokens: 150, ignoreEnd: true }, { onText })
      .then(() => order.push("long"));
    while (order.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await engine.ask(short, { question: "Which shape is yellow?" });
    order.push("short");
    await engine.ask(third, { question: "What color is the circle?" });
    order.push("third");
    await running;
    expect(order).toEqual(["begun", "short", "third", "long"]);
    await engine.dispose();
  });
});
