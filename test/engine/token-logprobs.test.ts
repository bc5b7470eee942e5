import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EncodedPicture } from "../../src/engine/api.ts";
import { Engine } from "../../src/engine/engine.ts";
import { tokenLogprob } from "../../src/engine/token-logprobs.ts";
import { convertDemo, DRAWINGS } from "../demo/demo-model.ts";
import { random } from "../random.ts";

function noBytes(): Uint8Array {
  return new Uint8Array();
}

describe("tokenLogprob", () => {
  it("finds the likeliest as sorting does", () => {
    const next = random(7);
    for (let round = 0; round < 50; round++) {
      const logits = Float32Array.from({ length: 100 }, () => Math.round(next() * 20) - 10);
      const order = [...logits.keys()].toSorted((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
      for (const top of [0, 1, 5, 20]) {
        const scored = tokenLogprob({ logits, token: 3, top, bytesOf: noBytes });
        expect(scored.top.map(({ id }) => id)).toEqual(order.slice(0, top));
      }
    }
  });

  it("gives probabilities that add up to one, however large the logits are", () => {
    const logits = Float32Array.of(1000, 999, 998, -1000);
    const { top } = tokenLogprob({ logits, token: 0, top: 4, bytesOf: noBytes });
    expect(top.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 9);
  });
});

describe("an engine that is asked for log-probabilities", () => {
  let demo: Awaited<ReturnType<typeof convertDemo>>;
  let engine: Engine;
  let picture: EncodedPicture;
  const question = "Describe the image.";

  beforeAll(async () => {
    demo = await convertDemo();
    engine = await Engine.load({ directory: demo.directory, device: "cpu", threads: 1, parallel: 2 });
    picture = await engine.encodePicture(join(DRAWINGS, "023.png"));
  });

  afterAll(async () => {
    await engine?.dispose();
    await demo?.remove();
  });

  it("tells those of the model itself: temperature, top-p and a schema change the token, and not them", async () => {
    const schema = { enum: ["red", "blue"] };
    for (const changes of [
      {},
      { temperature: 2, topP: 0.9, seed: 3, maxTokens: 8 },
      { constraint: { kind: "schema", schema } as const },
    ]) {
      const seen: Float32Array[] = [];
      const options = { question, logprobs: 3, ...changes };
      const { ids, logprobs = [] } = await engine.ask(picture, options, {
        onLogits: (logits) => void seen.push(logits),
      });
      expect(logprobs.map(({ id }) => id)).toEqual(ids);
      for (const [step, { id, logprob, top }] of logprobs.entries()) {
        const logits = seen[step] ?? new Float32Array();
        const total = Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0));
        expect(logprob).toBeCloseTo((logits[id] ?? 0) - total, 4);
        expect(top).toHaveLength(3);
        expect(top[0]?.logprob).toBeCloseTo(Math.max(...logits) - total, 4);
      }
    }
  });

  it("answers the same with and without them", async () => {
    const plain = await engine.ask(picture, { question });
    const told = await engine.ask(picture, { question, logprobs: 20 });
    expect(told.ids).toEqual(plain.ids);
    expect(plain.logprobs).toBeUndefined();
  });

  it.each([-1, 21, 1.5, Number.NaN])("refuses %s likeliest tokens", async (logprobs) => {
    await expect(engine.ask(picture, { question, logprobs })).rejects.toMatchObject({ code: "usage" });
  });

  it("refuses stops that are empty, or that would cut what must be whole", async () => {
    const refused = { code: "usage" };
    await expect(engine.ask(picture, { question, stop: ["a", ""] })).rejects.toMatchObject(refused);
    const constraint = { kind: "choices", texts: ["a", "b"] } as const;
    await expect(engine.ask(picture, { question, stop: ["a"], constraint })).rejects.toMatchObject(refused);
  });

  it("ends an answer before a stop that tokens cut", async () => {
    const { text } = await engine.ask(picture, { question });
    for (let at = 1; at < text.length - 3; at += 5) {
      const stop = text.slice(at, at + 3);
      const pieces: string[] = [];
      const answer = await engine.ask(
        picture,
        { question, stop: [stop] },
        { onText: (piece) => void pieces.push(piece) },
      );
      const expected = text.slice(0, text.indexOf(stop)).trimEnd();
      expect(answer).toMatchObject({ text: expected, finish: "stop" });
      expect(pieces.join("")).toBe(expected);
    }
  });
});
