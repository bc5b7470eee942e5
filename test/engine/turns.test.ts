import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EncodedPicture, Turn } from "../../src/engine/api.ts";
import { Engine } from "../../src/engine/engine.ts";
import { Prompt, tokenizePrompt } from "../../src/engine/prompt.ts";
import { convertDemo, DRAWINGS } from "../demo/demo-model.ts";

const QUESTIONS = ["What color is the circle?", "How many shapes are there?", "Describe the image."];

describe("several turns about one picture", () => {
  let demo: Awaited<ReturnType<typeof convertDemo>>;
  let engine: Engine;
  let picture: EncodedPicture;

  beforeAll(async () => {
    demo = await convertDemo();
    engine = await Engine.load({ directory: demo.directory, device: "cpu", threads: 1, parallel: 2 });
    picture = await engine.encodePicture(join(DRAWINGS, "023.png"));
  });

  afterAll(async () => {
    await engine?.dispose();
    await demo?.remove();
  });

  it("keep question and answer, and compute only what is new", async () => {
    const history: Turn[] = [];
    for (const [index, question] of QUESTIONS.entries()) {
      const before = await engine.counters();
      const answer = await engine.ask(picture, { question, history, keep: true });
      const after = await engine.counters();
      if (index > 0) {
        const spoken = history.at(-1)?.answer ?? "";
        const tokenizer = await engine.tokenizer();
        const fresh =
          1 + // the end of the answer before
          tokenizer.tokenize(`USER: ${question}`).length +
          9 +
          tokenizer.tokenize(" ASSISTANT:").length;
        expect(after.rows - before.rows, spoken).toBe(fresh + answer.ids.length);
        expect(answer.tokens.prompt - answer.reusedPositions).toBe(fresh);
      }
      history.push({ question, answer: answer.text });
    }
  });

  it("are answered as by an engine that is given all of them at once", async () => {
    const history: Turn[] = [];
    for (const question of QUESTIONS) {
      const kept = await engine.ask(picture, { question, history, keep: true });
      const fresh = await Engine.load({ directory: demo.directory, device: "cpu", threads: 1, parallel: 1 });
      const other = await fresh.encodePicture(join(DRAWINGS, "023.png"));
      const whole = await fresh.ask(other, { question, history });
      await fresh.dispose();
      expect(kept.ids).toEqual(whole.ids);
      history.push({ question, answer: kept.text });
    }
  });

  it("let each group of queries read its own turn's question, after USER and its colon", async () => {
    const tokenizer = await engine.tokenizer();
    const history = [{ question: QUESTIONS[0] ?? "", answer: "Red." }];
    const tokens = tokenizePrompt(tokenizer, QUESTIONS[1] ?? "", history);
    const prompt = new Prompt({
      language: { embed: () => new Float32Array(), queries: new Float32Array(9 * 2) },
      geometry: { hiddenSize: 2, queries: 9 },
      tokens,
      picture: 1,
      visualTokens: new Float32Array(4 * 2),
      embq: true,
    });
    const text = prompt.groups.map(({ textFrom, queriesFrom }) => [
      ...prompt.keys.subarray(textFrom, queriesFrom),
    ]);
    expect(text).toEqual([
      tokenizer.tokenize(`\n${QUESTIONS[0]}`).slice(1),
      tokenizer.tokenize(`USER: ${QUESTIONS[1]}`).slice(tokenizer.tokenize("USER:").length),
    ]);
    const seen: number[] = [];
    const onEmbq = ({ textIn }: { textIn: Float32Array }): void => void seen.push(textIn.length);
    const fresh = await engine.encodePicture(join(DRAWINGS, "003.png"));
    await engine.ask(fresh, { question: QUESTIONS[1] ?? "", history }, { onEmbq });
    const hidden = 128;
    expect(seen).toEqual(text.map((ids) => ids.length * hidden));
  });

  it("say that the conversation is too long when it is", async () => {
    const history = Array.from({ length: 60 }, () => ({
      question: "What is there?",
      answer: "A red circle.",
    }));
    await expect(engine.ask(picture, { question: "And now?", history })).rejects.toMatchObject({
      code: "question-too-long",
      message: expect.stringContaining("conversation"),
    });
  });
});
