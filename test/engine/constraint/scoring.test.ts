import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readManifest, type Manifest } from "../../../src/core/model/manifest.ts";
import type { EncodedPicture } from "../../../src/engine/api.ts";
import { usesFlashAttention } from "../../../src/engine/capacity.ts";
import { EmbqTap } from "../../../src/engine/embq-tap.ts";
import { Engine } from "../../../src/engine/engine.ts";
import { Prompt, tokenizePrompt } from "../../../src/engine/prompt.ts";
import { EmbqSession } from "../../../src/vision/embq.ts";
import { LanguageModel } from "../../../src/language/language-model.ts";
import { convertDemo, DRAWINGS, readDrawings } from "../../demo/demo-model.ts";

const COLORS = ["red", "red circle", "green", "blue", "yellow", "purple"];

describe("choices", () => {
  let demo: Awaited<ReturnType<typeof convertDemo>>;
  let manifest: Manifest;
  let engine: Engine;
  let language: LanguageModel;
  let embq: EmbqSession;
  let picture: EncodedPicture;

  beforeAll(async () => {
    demo = await convertDemo();
    const { directory } = demo;
    manifest = await readManifest(directory);
    engine = await Engine.load({ directory, device: "cpu", parallel: 4 });
    const begun = await LanguageModel.begin({ directory, manifest, threads: 1 });
    language = await begun.loaded;
    const { geometry, roles } = manifest;
    embq = await EmbqSession.load({ directory, file: roles.embq, geometry, threads: 1 });
    picture = await engine.encodePicture(join(DRAWINGS, "023.png"));
  });

  afterAll(async () => {
    await embq?.dispose();
    await language?.dispose();
    await engine?.dispose();
    await demo?.remove();
  });

  /** log P of a text and the end of the answer after the question, in a context of its own: the plain way. */
  function scoreAlone(question: string, text: string): number {
    const { features, visualTokens } = engine.features(picture);
    const { geometry } = manifest;
    const tokens = tokenizePrompt(language, question);
    const prompt = new Prompt({ language, geometry, tokens, picture: 1, visualTokens, embq: true });
    const width = geometry.hiddenSize;
    const tap = new EmbqTap({ session: embq, groups: prompt.groups, features, width });
    const answer = language.tokenize(` ${text}`);
    const flashAttention = usesFlashAttention(geometry, language.device.device);
    const context = language.createContext({ cells: 512, batchRows: 512, outputs: 512, flashAttention });
    try {
      const rows = new Float32Array((prompt.length + answer.length) * width);
      rows.set(prompt.rows(0, prompt.length));
      rows.set(language.embed(answer), prompt.length * width);
      context.decode({
        runs: [{ sequence: 0, rows, logits: "all" }],
        tap: (graph) => tap.see(graph, 0, 0, prompt.length),
      });
      let sum = 0;
      for (let step = 0; step <= answer.length; step++) {
        const logits = context.logits(prompt.length - 1 + step);
        const most = Math.max(...logits);
        const total = Math.log(logits.reduce((all, value) => all + Math.exp(value - most), 0)) + most;
        const wanted = step < answer.length ? [answer[step] ?? 0] : geometry.endTokens;
        sum += Math.log(wanted.reduce((all, id) => all + Math.exp((logits[id] ?? 0) - total), 0));
      }
      return sum;
    } finally {
      context.dispose();
    }
  }

  it("are scored as each alone in a fresh context, one the beginning of another", async () => {
    const question = "What color is the circle?";
    const constraint = { kind: "choices", texts: COLORS, spellings: "exact" } as const;
    const answer = await engine.ask(picture, { question, constraint });
    expect(answer.choices?.map(({ text }) => text)).toEqual(COLORS);
    for (const { text, logprob } of answer.choices ?? []) {
      expect(Math.abs(logprob - scoreAlone(question, text)), text).toBeLessThan(1e-3);
    }
  });

  it("stand for their usual spellings", async () => {
    const question = "What color is the circle?";
    const constraint = { kind: "choices", texts: ["red", "blue"] } as const;
    const answer = await engine.ask(picture, { question, constraint });
    expect(answer).toMatchObject({ text: "red", finish: "stop" });
    const [red] = answer.choices ?? [];
    const spelled = ["red", "Red", "red.", "Red."].map((text) => Math.exp(scoreAlone(question, text)));
    expect(Math.exp(red?.logprob ?? 0)).toBeCloseTo(
      spelled.reduce((sum, value) => sum + value, 0),
      3,
    );
    expect(answer.mass).toBeGreaterThan(0.9);
    const exact = await engine.ask(picture, { question, constraint: { ...constraint, spellings: "exact" } });
    expect(exact.mass).toBeLessThan(0.1);
  });

  it("answer yes or no as the model does freely, on all drawings", async () => {
    const asked = (await readDrawings()).filter(({ pytorch }) => /^(yes|no)\.$/i.test(pytorch));
    expect(asked.length).toBeGreaterThan(40);
    const constraint = { kind: "choices", texts: ["yes", "no"] } as const;
    const same = await Promise.all(
      asked.map(async ({ image, question }) => {
        const encoded = await engine.encodePicture(join(DRAWINGS, image));
        const [chosen, free] = await Promise.all([
          engine.ask(encoded, { question, constraint }),
          engine.ask(encoded, { question }),
        ]);
        await engine.release(encoded);
        return chosen.text === free.text.toLowerCase().replace(".", "");
      }),
    );
    expect(same.filter(Boolean).length).toBeGreaterThanOrEqual(Math.ceil(asked.length * 0.99));
  });

  it("may be many and long, in more branches than there are sequences", async () => {
    const texts = Array.from(
      { length: 60 },
      (_, i) => `${i} circles and ${60 - i} squares on a white background`,
    );
    const constraint = { kind: "choices", texts } as const;
    const answer = await engine.ask(picture, { question: "Describe the image.", constraint });
    expect(answer.choices).toHaveLength(60);
    expect(answer.choices?.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 6);
    for (const index of [0, 31, 59]) {
      const [text = ""] = [texts[index]];
      const exact = await engine.ask(picture, {
        question: "Describe the image.",
        constraint: { kind: "choices", texts: [text, "Red."], spellings: "exact" },
      });
      const alone = scoreAlone("Describe the image.", text);
      // some thirty tokens, none of them likely: what rounding does to each adds up
      expect(Math.abs((exact.choices?.[0]?.logprob ?? 0) / alone - 1)).toBeLessThan(1e-4);
    }
  });

  it("may be mixed with free answers, and stopped", async () => {
    const question = "What color is the circle?";
    const constraint = { kind: "choices", texts: COLORS } as const;
    const pieces: string[] = [];
    const [free, chosen, stopped, late] = await Promise.all([
      engine.ask(picture, { question }),
      engine.ask(picture, { question, constraint }, { onText: (piece) => pieces.push(piece) }),
      engine.ask(picture, { question, constraint }, { signal: AbortSignal.abort() }),
      engine.ask(picture, { question, constraint, timeoutMs: 0 }),
    ]);
    expect(free.text).toBe("Red.");
    expect(chosen.text).toBe("red");
    expect(pieces).toEqual(["red"]);
    expect(stopped).toMatchObject({ finish: "interrupted", text: "" });
    expect(stopped.choices).toBeUndefined();
    expect(late).toMatchObject({ finish: "timeout", text: "" });
  });

  it("are refused when there is nothing to choose, or no room for them", async () => {
    const question = "What color is the circle?";
    const refused = [["red"], ["red", ""], ["red", "red"], ["red", "very ".repeat(2000)]];
    for (const texts of refused) {
      await expect(
        engine.ask(picture, { question, constraint: { kind: "choices", texts } }),
      ).rejects.toMatchObject({ code: "usage" });
    }
    expect((await engine.ask(picture, { question })).text).toBe("Red.");
  });
});
