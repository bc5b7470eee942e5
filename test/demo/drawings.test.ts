import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import { convertDemo, DRAWINGS, readDrawings, type Drawing } from "./demo-model.ts";

interface Answered extends Drawing {
  readonly withEmbq: string;
  readonly withoutEmbq: string;
}

describe("the demo model on 200 drawings it has never seen", () => {
  let demo: Awaited<ReturnType<typeof convertDemo>>;
  let engine: Engine;
  const answered: Answered[] = [];

  beforeAll(async () => {
    demo = await convertDemo();
    engine = await Engine.load({ directory: demo.directory, device: "cpu" });
    for (const drawing of await readDrawings()) {
      const picture = await engine.encodePicture(join(DRAWINGS, drawing.image));
      const { question } = drawing;
      const withEmbq = await engine.ask(picture, { question });
      const withoutEmbq = await engine.ask(picture, { question, embq: false });
      answered.push({ ...drawing, withEmbq: withEmbq.text, withoutEmbq: withoutEmbq.text });
      await engine.release(picture);
    }
  });

  afterAll(async () => {
    await engine?.dispose();
    await demo?.remove();
  });

  const share = (fits: (drawing: Answered) => boolean): number =>
    (100 * answered.filter((drawing) => fits(drawing)).length) / answered.length;

  it("answers as PyTorch does, at least 99 times in 100", () => {
    expect(answered).toHaveLength(200);
    expect(share((drawing) => drawing.withEmbq === drawing.pytorch)).toBeGreaterThanOrEqual(99);
  });

  it("is right as often as in PyTorch, within half a point", () => {
    const right = share((drawing) => drawing.withEmbq === drawing.answer);
    expect(Math.abs(right - share((drawing) => drawing.pytorch === drawing.answer))).toBeLessThanOrEqual(0.5);
    expect(right).toBeGreaterThan(80);
  });

  it("loses without EmbQ what it loses in PyTorch", () => {
    expect(share((drawing) => drawing.withoutEmbq === drawing.no_embq)).toBeGreaterThanOrEqual(99);
    const right = share((drawing) => drawing.withoutEmbq === drawing.answer);
    expect(Math.abs(right - share((drawing) => drawing.no_embq === drawing.answer))).toBeLessThanOrEqual(0.5);
    expect(right).toBeLessThan(share((drawing) => drawing.withEmbq === drawing.answer) - 20);
  });
});
