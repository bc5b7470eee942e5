import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SYSTEM_TEXT } from "../../src/engine/prompt.ts";
import type { EncodedPicture } from "../../src/engine/api.ts";
import { Engine } from "../../src/engine/engine.ts";
import { KEPT_PICTURES } from "../../src/engine/kept.ts";
import { convertDemo, DRAWINGS } from "../demo/demo-model.ts";

/** Tokens of the demo's vocabulary that stand for no text, by its `added_tokens.json` and `vocab.json`. */
const SPECIAL = new Set([551, 552, 553]);
/** Positions of the demo's context, by its `config.json`. */
const CONTEXT = 512;

const words = (count: number): string => "a ".repeat(count).trim();

describe("Engine", () => {
  let demo: Awaited<ReturnType<typeof convertDemo>>;
  let engine: Engine;
  const drawing = join(DRAWINGS, "003.png");
  const question = "What color is the square?";

  beforeAll(async () => {
    demo = await convertDemo();
    engine = await Engine.load({ directory: demo.directory, device: "cpu", threads: 1 });
  });

  afterAll(async () => {
    await engine?.dispose();
    await demo?.remove();
  });

  it("says what it loaded", () => {
    expect(engine.info).toMatchObject({
      name: "demo",
      threads: 1,
      device: { vision: "cpu", language: "cpu" },
    });
  });

  it("computes a picture and its prefix once for many questions", async () => {
    const before = await engine.counters();
    const picture = await engine.encodePicture(drawing);
    const first = await engine.ask(picture, { question });
    const second = await engine.ask(picture, { question: "How many shapes are there?" });
    const again = await engine.ask(picture, { question });
    const after = await engine.counters();
    expect(after.picturesEncoded - before.picturesEncoded).toBe(1);
    expect(after.prefixPrefills - before.prefixPrefills).toBe(1);
    expect(after.questions - before.questions).toBe(3);
    expect(first.reusedPositions).toBe(0);
    expect(second.reusedPositions).toBeGreaterThan(picture.visualTokens);
    expect(again.reusedPositions).toBe(second.reusedPositions);
    expect(again.text).toBe("Purple.");
    expect(again.ids).toEqual(first.ids);
    await engine.release(picture);
  });

  it.each([1, KEPT_PICTURES + 2])(
    "of %i at once keeps the prefixes of as many pictures, but of a few at least, and lets older ones go",
    async (parallel) => {
      const { directory } = demo;
      const keeping = await Engine.load({ directory, device: "cpu", threads: 1, parallel });
      const pictures: EncodedPicture[] = [];
      for (let at = 0; at <= Math.max(KEPT_PICTURES, parallel); at++) {
        pictures.push(await keeping.encodePicture(drawing));
      }
      const prefills = async (asked: readonly EncodedPicture[]): Promise<number> => {
        const { prefixPrefills: before } = await keeping.counters();
        for (const picture of asked) await keeping.ask(picture, { question });
        return (await keeping.counters()).prefixPrefills - before;
      };
      expect(await prefills(pictures)).toBe(pictures.length);
      expect(await prefills(pictures.slice(1))).toBe(0);
      expect(await prefills(pictures.slice(0, 1))).toBe(1);
      await keeping.dispose();
    },
  );

  it("keeps nothing but the prompt's beginning for another picture, even with the same question", async () => {
    const square = await engine.encodePicture(drawing);
    const other = await engine.encodePicture(join(DRAWINGS, "001.png"));
    await engine.ask(square, { question });
    const answer = await engine.ask(other, { question: "Which shape is yellow?" });
    const tokenizer = await engine.tokenizer();
    expect(answer.reusedPositions).toBe(tokenizer.tokenize(SYSTEM_TEXT).length);
    expect(answer.text).toBe("Square.");
    expect((await engine.ask(square, { question })).text).toBe("Purple.");
  });

  it("streams exactly the answer", async () => {
    const picture = await engine.encodePicture(drawing);
    const pieces: string[] = [];
    const answer = await engine.ask(picture, { question }, { onText: (piece) => pieces.push(piece) });
    expect(pieces.join("")).toBe(answer.text);
    expect(answer.finish).toBe("stop");
  });

  it("stops at the token limit, at an abort and at a deadline", async () => {
    const picture = await engine.encodePicture(drawing);
    const short = await engine.ask(picture, { question, maxTokens: 1 });
    expect(short).toMatchObject({ finish: "length", tokens: { answer: 1 } });
    const aborted = await engine.ask(picture, { question }, { signal: AbortSignal.abort() });
    expect(aborted).toMatchObject({ finish: "interrupted", text: "" });
    const late = await engine.ask(picture, { question, timeoutMs: 0 });
    expect(late).toMatchObject({ finish: "timeout", text: "" });
  });

  it("samples the same answer from the same seed, and greedily by default", async () => {
    const picture = await engine.encodePicture(drawing);
    const ask = async (seed: number): Promise<readonly number[]> =>
      (await engine.ask(picture, { question, temperature: 5, topP: 0.99, seed, maxTokens: 12 })).ids;
    expect(await ask(7)).toEqual(await ask(7));
    const different = await Promise.resolve([await ask(1), await ask(2), await ask(3)]);
    expect(new Set(different.map((ids) => ids.join(" "))).size).toBeGreaterThan(1);
  });

  it.each(["<image>", "</s>", "<learnable>", "<|endoftext|>"])(
    "reads %s in a question as plain text",
    async (text) => {
      const tokenizer = await engine.tokenizer();
      const ids = tokenizer.tokenize(`${text} ${text}`);
      expect(ids.length).toBeGreaterThan(2);
      expect(ids.filter((id) => SPECIAL.has(id))).toEqual([]);
      const picture = await engine.encodePicture(drawing);
      const answer = await engine.ask(picture, { question: `${text} ${question} ${text}`, maxTokens: 20 });
      const plain = await engine.ask(picture, { question, maxTokens: 20 });
      expect(answer.tokens.prompt - plain.tokens.prompt).toBeGreaterThanOrEqual(
        tokenizer.tokenize(text).length,
      );
      expect(answer.tokens.image).toBe(plain.tokens.image);
    },
  );

  it("takes a picture that was prepared before, and none that was prepared for another model", async () => {
    const prepared = await engine.preparePicture(drawing);
    const picture = await engine.encodePicture(prepared);
    expect([picture.width, picture.height]).toEqual([prepared.width, prepared.height]);
    expect(engine.features(picture)).toEqual(engine.features(await engine.encodePicture(drawing)));
    expect((await engine.ask(picture, { question })).text).toBe("Purple.");
    for (const wrong of [{ size: prepared.size + 1 }, { crops: 5 }]) {
      await expect(engine.encodePicture({ ...prepared, ...wrong })).rejects.toMatchObject({ code: "usage" });
    }
  });

  it("refuses a blank question, one that does not fit, and a picture that was released", async () => {
    const picture = await engine.encodePicture(drawing);
    await expect(engine.ask(picture, { question: " \n" })).rejects.toMatchObject({ code: "usage" });
    await expect(engine.ask(picture, { question: "why ".repeat(2000) })).rejects.toMatchObject({
      code: "question-too-long",
    });
    // a refused question leaves the engine as it was
    expect((await engine.ask(picture, { question })).text).toBe("Purple.");
    await engine.release(picture);
    await expect(engine.ask(picture, { question })).rejects.toMatchObject({ code: "usage" });
  });

  it("answers a question that leaves room for one position, and none that is longer", async () => {
    const picture = await engine.encodePicture(drawing);
    const tokenizer = await engine.tokenizer();
    const lengthOf = (text: string): number => tokenizer.tokenize(`\n${text}`).length;
    const short = await engine.ask(picture, { question: words(3), maxTokens: 1 });
    const rest = short.tokens.prompt - lengthOf(words(3));
    const seen: string[] = [];
    for (let count = 380; count < 470; count++) {
      const left = CONTEXT - rest - lengthOf(words(count));
      if (left < -3 || left > 6) continue;
      const answer = await engine.ask(picture, { question: words(count) }).catch((error: unknown) => error);
      if (left < 1) expect(answer).toMatchObject({ code: "question-too-long" });
      else expect(answer).toMatchObject({ tokens: { prompt: CONTEXT - left } });
      if (left === 1) expect(answer).toMatchObject({ finish: "length", tokens: { answer: left + 1 } });
      seen.push(left < 1 ? "refused" : "answered");
    }
    expect(seen.filter((each) => each === "refused").length).toBeGreaterThan(1);
    expect(seen.filter((each) => each === "answered").length).toBeGreaterThan(1);
  });
});
