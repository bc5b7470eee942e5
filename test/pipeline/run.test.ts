import { describe, expect, it } from "vitest";
import { FlashSlothError } from "../../src/core/errors.ts";
import type { AskOptions } from "../../src/engine/api.ts";
import type { Outcome } from "../../src/pipeline/outcome.ts";
import { answers, type AnswersOptions } from "../../src/pipeline/run.ts";
import { answer, FakeEngine, jobsOf, picture, PREPARED, type Input } from "./fake-engine.ts";

const A = { label: "a.png", input: "a.png" };
const B = { label: "b.png", input: "b.png" };
const BROKEN = { label: "c.png", error: new FlashSlothError("image-not-found", "no such file: c.png") };

async function collect(
  engine: FakeEngine,
  { inputs, ...options }: Partial<AnswersOptions> & { readonly inputs: readonly Input[] },
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const jobs = jobsOf(inputs, ["q"]);
  const all = { engine: async () => engine, model: "demo", ask: {}, jobs, ...options };
  for await (const outcome of answers(all)) outcomes.push(outcome);
  return outcomes;
}

describe("answers", () => {
  it("gives a record for each input, in order and with its fields in the printed order", async () => {
    const engine = new FakeEngine();
    const outcomes = await collect(engine, { inputs: [A, BROKEN, B] });
    expect(outcomes.map(({ record }) => record.image)).toEqual(["a.png", "c.png", "b.png"]);
    const [first, second] = outcomes;
    expect(Object.keys(first?.record ?? {})).toEqual([
      "image",
      "question",
      "answer",
      "model",
      "finish",
      "tokens",
      "ms",
    ]);
    expect(first?.record).toMatchObject({
      answer: "Red.",
      finish: "stop",
      tokens: { image: 81, prompt: 142, answer: 5 },
    });
    expect(second?.record).toMatchObject({ error: { code: "image-not-found" } });
    expect(engine.released).toEqual([1, 2]);
  });

  it("goes on after a picture that the engine refuses, and lets go of one it could not ask about", async () => {
    const engine = new FakeEngine({
      preparePicture: async (input) => {
        if (input === "a.png") throw new FlashSlothError("image-invalid", "damaged");
        return PREPARED;
      },
      encodePicture: async () => picture(7),
      ask: async () => {
        throw new Error("boom\nat x");
      },
    });
    const outcomes = await collect(engine, { inputs: [A, B] });
    expect(outcomes.map(({ record }) => "error" in record && record.error)).toEqual([
      { code: "image-invalid", message: "damaged" },
      { code: "internal", message: "unexpected failure: boom at x" },
    ]);
    expect(engine.released).toEqual([7]);
  });

  it("charges the wait for the models to the first record that needs them, and to no other", async () => {
    let clock = 1000;
    const engine = new FakeEngine();
    const outcomes = await collect(engine, {
      inputs: [A, B],
      waitingSince: 400,
      now: () => clock,
      engine: async () => {
        if (clock === 1000) clock += 500;
        return engine;
      },
    });
    const loads = outcomes.map(({ record }) => "ms" in record && record.ms.load);
    expect(loads).toEqual([1100, 0]);
  });

  it("needs no engine where no input is usable", async () => {
    const outcomes = await collect(new FakeEngine(), {
      inputs: [BROKEN],
      engine: async () => {
        throw new Error("not wanted");
      },
    });
    expect(outcomes).toHaveLength(1);
  });

  it("rejects with the engine's own failure", async () => {
    const broken = new FlashSlothError("native", "library missing");
    const run = collect(new FakeEngine(), { inputs: [A], engine: async () => Promise.reject(broken) });
    await expect(run).rejects.toBe(broken);
  });

  it("leaves the question what encoding left of the picture's time", async () => {
    let clock = 0;
    let asked: AskOptions | undefined;
    const engine = new FakeEngine({
      encodePicture: async () => {
        clock += 300;
        return picture(1);
      },
      ask: async (_, options) => {
        asked = options;
        return answer("Re", { finish: "timeout" });
      },
    });
    const [outcome] = await collect(engine, { inputs: [A], timeoutMs: 1000, now: () => clock });
    expect(asked?.timeoutMs).toBe(700);
    expect(outcome?.record).toMatchObject({ answer: "Re", finish: "timeout" });
  });

  it("fails with `timeout` when the time is over before a word was said", async () => {
    let clock = 0;
    const slowVision = new FakeEngine({
      encodePicture: async () => {
        clock += 1000;
        return picture(1);
      },
    });
    const slowWords = new FakeEngine({ ask: async () => answer("", { finish: "timeout" }) });
    for (const engine of [slowVision, slowWords]) {
      clock = 0;
      const [outcome] = await collect(engine, { inputs: [A], timeoutMs: 1000, now: () => clock });
      expect(outcome?.record).toMatchObject({ error: { code: "timeout", message: "no answer within 1 s" } });
    }
  });

  it("begins nothing new once told to finish, and keeps the record in hand", async () => {
    const finish = new AbortController();
    const engine = new FakeEngine({
      ask: async () => {
        finish.abort();
        return answer("Red.");
      },
    });
    const outcomes = await collect(engine, { inputs: [A, B], finish: finish.signal });
    expect(outcomes.map(({ record }) => record.image)).toEqual(["a.png"]);
  });

  it("drops the record in hand once told to stop", async () => {
    const stop = new AbortController();
    const engine = new FakeEngine({
      ask: async (_, __, hooks) => {
        stop.abort();
        return answer("Re", { finish: hooks?.signal?.aborted === true ? "interrupted" : "stop" });
      },
    });
    expect(await collect(engine, { inputs: [A, B], stop: stop.signal })).toEqual([]);
    expect(engine.released).toEqual([1]);
  });
});

describe("the picture after the one in hand", () => {
  it("is prepared while that one is encoded, and no further one", async () => {
    const calls: string[] = [];
    const engine = new FakeEngine({
      preparePicture: async (input) => {
        calls.push(`prepare ${String(input)}`);
        return PREPARED;
      },
      encodePicture: async () => {
        calls.push("encode");
        await new Promise((resolve) => void setTimeout(resolve, 5));
        calls.push("encoded");
        return picture(1);
      },
    });
    const C = { label: "c.png", input: "c.png" };
    await collect(engine, { inputs: [A, BROKEN, B, C] });
    expect(calls).toEqual([
      "prepare a.png",
      "encode",
      "prepare b.png",
      "encoded",
      "encode",
      "prepare c.png",
      "encoded",
      "encode",
      "encoded",
    ]);
  });

  it("may fail before its turn, and is told of in its turn", async () => {
    const engine = new FakeEngine({
      preparePicture: async (input) => {
        if (input === "b.png") throw new FlashSlothError("image-invalid", "damaged");
        return PREPARED;
      },
    });
    const outcomes = await collect(engine, { inputs: [A, B] });
    expect(outcomes.map(({ record }) => "error" in record)).toEqual([false, true]);
  });
});
