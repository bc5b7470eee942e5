import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EncodedPicture } from "../../../src/engine/api.ts";
import { Engine } from "../../../src/engine/engine.ts";
import { convertDemo, DRAWINGS } from "../../demo/demo-model.ts";

const QUESTION = "What color is the circle?";
const COLORS = ["red", "green", "blue", "yellow", "purple", "orange"];

describe("answers by a JSON schema", () => {
  let demo: Awaited<ReturnType<typeof convertDemo>>;
  let engine: Engine;
  let picture: EncodedPicture;

  beforeAll(async () => {
    demo = await convertDemo();
    engine = await Engine.load({ directory: demo.directory, device: "cpu", threads: 1, parallel: 4 });
    picture = await engine.encodePicture(join(DRAWINGS, "023.png"));
  });

  afterAll(async () => {
    await engine?.dispose();
    await demo?.remove();
  });

  async function ask(
    schema: unknown,
    options: { temperature?: number; seed?: number } = {},
  ): Promise<unknown> {
    const constraint = { kind: "schema", schema } as const;
    const { text, finish } = await engine.ask(picture, { question: QUESTION, constraint, ...options });
    expect(finish).toBe("stop");
    return JSON.parse(text);
  }

  it("are JSON of that schema, sampled or not", async () => {
    const color = { type: "string", enum: COLORS };
    const schema = {
      type: "object",
      properties: {
        color,
        count: { type: "integer", minimum: 1, maximum: 5 },
        others: { type: "array", items: color, maxItems: 3 },
      },
      required: ["color", "count", "others"],
    };
    for (const options of [{}, { temperature: 1, seed: 1 }, { temperature: 3, seed: 2 }]) {
      const value = (await ask(schema, options)) as { color: string; count: number; others: string[] };
      expect(COLORS).toContain(value.color);
      expect([1, 2, 3, 4, 5]).toContain(value.count);
      for (const other of value.others) expect(COLORS).toContain(other);
    }
    expect(COLORS).toContain(await ask({ enum: COLORS }));
  });

  it("are the same for the same seed, alone or among others", async () => {
    const schema = { type: "array", items: { enum: COLORS }, minItems: 2, maxItems: 6 };
    const options = { temperature: 4, seed: 11 };
    const alone = await ask(schema, options);
    const together = await Promise.all([
      ask(schema, options),
      engine.ask(picture, { question: QUESTION }),
      ask({ enum: ["yes", "no"] }),
      ask(schema, options),
    ]);
    expect(together[0]).toEqual(alone);
    expect(together[3]).toEqual(alone);
    expect(together[1]).toMatchObject({ text: "Red." });
  });

  it("are whole or not at all", async () => {
    const schema = { type: "array", items: { enum: COLORS }, minItems: 8, maxItems: 8 };
    const constraint = { kind: "schema", schema } as const;
    const asked = { question: QUESTION, constraint };
    await expect(engine.ask(picture, { ...asked, maxTokens: 5 })).rejects.toMatchObject({
      code: "constraint",
    });
    await expect(engine.ask(picture, { ...asked, timeoutMs: 0 })).rejects.toMatchObject({ code: "timeout" });
    const stopped = await engine.ask(picture, asked, { signal: AbortSignal.abort() });
    expect(stopped.finish).toBe("interrupted");
    expect(await ask(schema)).toHaveLength(8);
  });

  it("are refused by name where the schema cannot be followed", async () => {
    const refused = [
      { type: "object", patternProperties: { a: {} } },
      { uniqueItems: true },
      "text",
      { not: {} },
    ];
    for (const schema of refused) {
      const constraint = { kind: "schema", schema } as const;
      await expect(engine.ask(picture, { question: QUESTION, constraint })).rejects.toMatchObject({
        code: "usage",
      });
    }
    expect((await engine.ask(picture, { question: QUESTION })).text).toBe("Red.");
  });
});
