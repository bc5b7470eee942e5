import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import { convertDemo, DRAWINGS } from "../demo/demo-model.ts";

describe("a picture without compression", () => {
  let demo: Awaited<ReturnType<typeof convertDemo>>;
  const drawing = join(DRAWINGS, "003.png");
  const question = "What color is the square?";

  beforeAll(async () => {
    demo = await convertDemo();
  });

  afterAll(async () => {
    await demo?.remove();
  });

  it("has a token for each feature, and leaves the compressed path as it was", async () => {
    const engine = await Engine.load({ directory: demo.directory, device: "cpu", threads: 1 });
    try {
      const whole = await engine.encodePicture(drawing, { uncompressed: true });
      const pooled = await engine.encodePicture(drawing);
      expect(whole).toMatchObject({ features: 81, visualTokens: 81 });
      expect(pooled).toMatchObject({ features: 81, visualTokens: 9 });
      expect(engine.features(whole).features).toEqual(engine.features(pooled).features);
      const long = await engine.ask(whole, { question, maxTokens: 8, ignoreEnd: true });
      const short = await engine.ask(pooled, { question });
      expect(long.ids).toHaveLength(8);
      expect(long.tokens.image).toBe(81);
      expect(long.tokens.prompt - short.tokens.prompt).toBe(72);
      expect(short.text).toBe("Purple.");
      const past = await engine.ask(pooled, { question, maxTokens: 8, ignoreEnd: true });
      expect(past.ids).toHaveLength(8);
      expect(past.ids.slice(0, short.ids.length)).toEqual(short.ids);
    } finally {
      await engine.dispose();
    }
  });

  it("is refused where the folder was converted without the graph for it", async () => {
    const path = join(demo.directory, "manifest.json");
    const manifest = JSON.parse(await readFile(path, "utf8")) as { roles: Record<string, string> };
    delete manifest.roles["uncompressed"];
    await writeFile(path, JSON.stringify(manifest));
    const engine = await Engine.load({ directory: demo.directory, device: "cpu", threads: 1 });
    try {
      await expect(engine.encodePicture(drawing, { uncompressed: true })).rejects.toMatchObject({
        code: "usage",
      });
      await expect(engine.encodePicture(drawing)).resolves.toMatchObject({ visualTokens: 9 });
    } finally {
      await engine.dispose();
    }
  });
});
