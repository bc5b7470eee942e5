import { mkdtemp, readdir, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Answer, EngineCounters } from "../../src/engine/api.ts";
import { Engine, type InThreadOptions } from "../../src/engine/engine.ts";
import { convertDemo, DRAWINGS, readDrawings } from "../demo/demo-model.ts";

const DRAWING = join(DRAWINGS, "003.png");
const QUESTION = "What color is the square?";

describe("what is kept of pictures", () => {
  let demo: Awaited<ReturnType<typeof convertDemo>>;
  let folder: string;

  beforeAll(async () => {
    demo = await convertDemo();
  });
  afterAll(async () => demo?.remove());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "flashsloth-pictures-"));
    return async () => rm(folder, { recursive: true });
  });

  function caches(): { features: string; prefixes: string } {
    return { features: join(folder, "features"), prefixes: join(folder, "prefixes") };
  }

  interface Run {
    readonly answers: readonly Answer[];
    readonly logits: readonly Float32Array[];
    readonly cached: boolean;
    readonly counters: EngineCounters;
  }

  /** A new engine, one picture, some questions one after the other. */
  async function run(questions: readonly string[], options: Partial<InThreadOptions> = {}): Promise<Run> {
    const { directory } = demo;
    const engine = await Engine.load({ directory, device: "cpu", pictureCache: caches(), ...options });
    try {
      const picture = await engine.encodePicture(DRAWING);
      const answers: Answer[] = [];
      const logits: Float32Array[] = [];
      for (const question of questions) {
        const onLogits = (values: Float32Array, step: number): void =>
          void (step === 0 && logits.push(values));
        answers.push(await engine.ask(picture, { question }, { onLogits }));
      }
      await engine.release(picture);
      return { answers, logits, cached: picture.cached, counters: await engine.counters() };
    } finally {
      await engine.dispose();
    }
  }

  it("spares a later process the vision and the picture's part of the prompt, and changes no answer", async () => {
    const first = await run([QUESTION, "How many shapes are there?"]);
    expect(first).toMatchObject({
      cached: false,
      counters: { picturesEncoded: 1, featuresRead: 0, prefixPrefills: 1, prefixesRead: 0 },
    });
    const second = await run([QUESTION, "How many shapes are there?"]);
    expect(second).toMatchObject({
      cached: true,
      counters: { picturesEncoded: 0, featuresRead: 1, prefixPrefills: 0, prefixesRead: 1 },
    });
    expect(second.answers.map(({ ids }) => ids)).toEqual(first.answers.map(({ ids }) => ids));
    expect(second.answers[0]?.text).toBe("Purple.");
    const [before] = first.answers;
    expect(second.answers[0]?.reusedPositions).toBeGreaterThan(before?.reusedPositions ?? Infinity);
    // the second question came after the prefix was in the cache both times
    expect(second.logits[1]).toEqual(first.logits[1]);
  });

  it("rounds the same whether or not a picture was seen before", async () => {
    const features = async (): Promise<Float32Array> => {
      const { directory } = demo;
      const engine = await Engine.load({ directory, device: "cpu", pictureCache: caches() });
      const picture = await engine.encodePicture(DRAWING);
      const values = engine.features(picture).features.slice();
      await engine.dispose();
      return values;
    };
    const fresh = await features();
    expect(await features()).toEqual(fresh);
    const plain = await Engine.load({ directory: demo.directory, device: "cpu" });
    const exact = plain.features(await plain.encodePicture(DRAWING)).features;
    await plain.dispose();
    const error = Math.hypot(...fresh.map((value, i) => value - (exact[i] ?? 0))) / Math.hypot(...exact);
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(5e-4);
  });

  it("is not looked at without its folders, and does not keep prefixes of a run over many pictures", async () => {
    const { counters } = await run([QUESTION], { pictureCache: undefined });
    expect(counters).toMatchObject({ picturesEncoded: 1, featuresRead: 0 });
    expect(await readdir(folder)).toEqual([]);
    await run([QUESTION], { pictures: 1000 });
    expect(await readdir(folder)).toEqual(["features"]);
    const again = await run([QUESTION], { pictures: 1000 });
    expect(again.counters).toMatchObject({ picturesEncoded: 0, featuresRead: 1, prefixPrefills: 1 });
  });

  it("is computed again where it is damaged or another model's", async () => {
    const first = await run([QUESTION]);
    for (const part of ["features", "prefixes"]) {
      const [name = ""] = await readdir(join(folder, part));
      await truncate(join(folder, part, name), 200);
    }
    const again = await run([QUESTION]);
    expect(again.counters).toMatchObject({ picturesEncoded: 1, featuresRead: 0, prefixesRead: 0 });
    expect(again.logits).toEqual(first.logits);
    const healed = await run([QUESTION]);
    expect(healed.counters).toMatchObject({ picturesEncoded: 0, featuresRead: 1, prefixesRead: 1 });
  });

  it("is shared by questions that come at once", async () => {
    await run([QUESTION]);
    const engine = await Engine.load({
      directory: demo.directory,
      device: "cpu",
      parallel: 4,
      pictureCache: caches(),
    });
    const [picture, twin] = await Promise.all([engine.encodePicture(DRAWING), engine.encodePicture(DRAWING)]);
    const answers = await Promise.all(
      [picture, twin, picture, twin].map(async (each) => engine.ask(each, { question: QUESTION })),
    );
    expect(answers.map(({ text }) => text)).toEqual(Array(4).fill("Purple."));
    expect(await engine.counters()).toMatchObject({ picturesEncoded: 0, prefixPrefills: 0, prefixesRead: 2 });
    await engine.dispose();
  });

  it("answers all drawings as before from the disk", async () => {
    const drawings = await readDrawings();
    const pass = async (): Promise<{ texts: string[]; counters: EngineCounters }> => {
      const { directory } = demo;
      const engine = await Engine.load({ directory, device: "cpu", pictures: 200, pictureCache: caches() });
      const texts = await Promise.all(
        drawings.map(async ({ image, question }) => {
          const picture = await engine.encodePicture(join(DRAWINGS, image));
          const { text } = await engine.ask(picture, { question });
          await engine.release(picture);
          return text;
        }),
      );
      const counters = await engine.counters();
      await engine.dispose();
      return { texts, counters };
    };
    const first = await pass();
    const second = await pass();
    expect(first.counters).toMatchObject({ picturesEncoded: 200, featuresRead: 0 });
    expect(second.counters).toMatchObject({ picturesEncoded: 0, featuresRead: 200 });
    const different = second.texts.filter((text, index) => text !== first.texts[index]);
    expect(different.length).toBeLessThanOrEqual(2);
  });
});
