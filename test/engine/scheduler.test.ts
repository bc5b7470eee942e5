import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { FlashSlothError } from "../../src/core/errors.ts";
import type { Answer, AskHooks, AskOptions, EncodedPicture } from "../../src/engine/api.ts";
import { Engine, type InThreadOptions } from "../../src/engine/engine.ts";
import type { SequenceStore } from "../../src/engine/kv-cache.ts";
import type { DecodeOptions } from "../../src/language/ffi/context.ts";
import { convertDemo, DRAWINGS } from "../demo/demo-model.ts";

const NAMES = ["001.png", "003.png", "023.png", "006.png", "008.png", "007.png", "009.png", "010.jpg"];
const DESCRIBE = "Describe the image.";

/** The real KV cache, with failures of the test's own. */
function faulty(
  context: SequenceStore,
  decode: (real: () => boolean, options: DecodeOptions) => boolean,
): SequenceStore {
  return {
    cells: context.cells,
    sequences: context.sequences,
    length: (sequence) => context.length(sequence),
    truncate: (sequence, length) => context.truncate(sequence, length),
    share: (from, to, length) => context.share(from, to, length),
    save: (sequence) => context.save(sequence),
    restore: (sequence, state) => context.restore(sequence, state),
    decode: (options) => decode(() => context.decode(options), options),
  };
}

describe("the scheduler", () => {
  let demo: Awaited<ReturnType<typeof convertDemo>>;
  let engine: Engine | undefined;
  /** what each drawing is described as, alone */
  let expected: Answer[];

  beforeAll(async () => {
    demo = await convertDemo();
    const { pictures } = await start({ parallel: 1 });
    expected = [];
    for (const picture of pictures) expected.push(await ask(picture, { question: DESCRIBE }));
    await engine?.dispose();
  });

  afterEach(async () => {
    await engine?.dispose();
    engine = undefined;
  });

  afterAll(async () => demo?.remove());

  async function start(options: Omit<InThreadOptions, "directory">): Promise<{ pictures: EncodedPicture[] }> {
    engine = await Engine.load({ directory: demo.directory, device: "cpu", threads: 1, ...options });
    const pictures: EncodedPicture[] = [];
    for (const name of NAMES) pictures.push(await engine.encodePicture(join(DRAWINGS, name)));
    return { pictures };
  }

  async function ask(picture: EncodedPicture, options: AskOptions, hooks?: AskHooks): Promise<Answer> {
    if (engine === undefined) throw new Error("no engine");
    return await engine.ask(picture, options, hooks);
  }

  it("answers again what a failed batch lost, and nothing twice", async () => {
    let batches = 0;
    const { pictures } = await start({
      parallel: 4,
      wrapStore: (context) =>
        faulty(context, (real) => {
          batches++;
          // whatever llama.cpp computed before it failed stays in its cache
          const done = real();
          if (batches % 9 === 4) throw new FlashSlothError("native", "a batch fails now and then");
          return done;
        }),
    });
    const said = pictures.map(() => "");
    const answers = await Promise.all(
      pictures.map(async (picture, index) =>
        ask(picture, { question: DESCRIBE }, { onText: (piece) => void (said[index] += piece) }),
      ),
    );
    expect(answers.map(({ text }) => text)).toEqual(expected.map(({ text }) => text));
    expect(said).toEqual(expected.map(({ text }) => text));
    expect((await engine?.counters())?.restarts).toBeGreaterThan(0);
  });

  it("computes full tiles of prompts, after the rows that fill none", async () => {
    const batches: number[] = [];
    const width = 128;
    const { pictures } = await start({
      parallel: 4,
      tile: { rows: 16, spare: 15 },
      wrapStore: (context) =>
        faulty(context, (real, { runs }) => {
          batches.push(runs.reduce((sum, { rows }) => sum + rows.length / width, 0));
          return real();
        }),
    });
    const answers = await Promise.all(pictures.map(async (picture) => ask(picture, { question: DESCRIBE })));
    expect(answers.map(({ text }) => text)).toEqual(expected.map(({ text }) => text));
    const [, ahead = 0, full = 0] = batches; // the first is what every prompt begins with
    expect(ahead).toBeGreaterThan(0);
    expect(ahead).toBeLessThan(16);
    expect(full).toBeGreaterThan(16);
    expect(full % 16).toBe(0);
  });

  it("gives up a question whose batches always fail, and only that one", async () => {
    const { pictures } = await start({
      parallel: 4,
      wrapStore: (context) =>
        faulty(context, (real, { runs }) => {
          // the poisoned question has more rows than any other
          if (runs.some(({ rows }) => rows.length > 60 * 128))
            throw new FlashSlothError("native", "poisoned");
          return real();
        }),
    });
    const outcomes = await Promise.allSettled(
      pictures.map(async (picture, index) =>
        ask(picture, { question: index === 3 ? `${"what is it ".repeat(12)}?` : DESCRIBE }),
      ),
    );
    for (const [index, outcome] of outcomes.entries()) {
      if (index === 3) expect(outcome).toMatchObject({ status: "rejected", reason: { code: "native" } });
      else expect(outcome).toMatchObject({ value: { text: expected[index]?.text } });
    }
  });

  it("goes on when the cache is full: the youngest makes room and comes back", async () => {
    const { pictures } = await start({ parallel: 8 });
    const options = { question: DESCRIBE, maxTokens: 300, ignoreEnd: true };
    const together = await Promise.all(pictures.map(async (picture) => ask(picture, options)));
    expect((await engine?.counters())?.restarts).toBeGreaterThan(0);
    for (const answer of together) expect(answer.ids).toHaveLength(300);
    const begins = together.map(({ ids }, index) => ids.slice(0, expected[index]?.ids.length));
    expect(begins).toEqual(expected.map(({ ids }) => ids));
  });

  it("believes llama.cpp when it says that the cache is full", async () => {
    let refusals = 0;
    const { pictures } = await start({
      parallel: 4,
      wrapStore: (context) =>
        faulty(context, (real, { runs }) => {
          if (runs.length < 3 || refusals === 10) return real();
          refusals++;
          return false;
        }),
    });
    const answers = await Promise.all(pictures.map(async (picture) => ask(picture, { question: DESCRIBE })));
    expect(answers.map(({ text }) => text)).toEqual(expected.map(({ text }) => text));
    expect(refusals).toBe(10);
  });

  it("leaves a failure of EmbQ to the question that it is about", async () => {
    const { pictures } = await start({ parallel: 8 });
    const broken = pictures[2];
    if (engine === undefined || broken === undefined) throw new Error("no engine");
    engine.features(broken).features.fill(0);
    Object.defineProperty(engine.features(broken), "features", { value: new Float32Array(7) });
    const outcomes = await Promise.allSettled(
      pictures.map(async (picture) => ask(picture, { question: DESCRIBE })),
    );
    for (const [index, outcome] of outcomes.entries()) {
      if (index === 2) expect(outcome).toMatchObject({ status: "rejected", reason: { code: "internal" } });
      else expect(outcome).toMatchObject({ value: { text: expected[index]?.text } });
    }
  });

  it("ends questions that are aborted, waiting or at work, and answers the others", async () => {
    const { pictures } = await start({ parallel: 2 });
    const controllers = pictures.map(() => new AbortController());
    const answers = Promise.all(
      pictures.map(async (picture, index) =>
        ask(
          picture,
          { question: DESCRIBE },
          {
            signal: controllers[index]?.signal,
            // the first one is stopped at its first word, the last ones while they wait
            onText: () => index === 0 && controllers[0]?.abort(),
          },
        ),
      ),
    );
    controllers[5]?.abort();
    controllers[7]?.abort();
    const ended = await answers;
    expect(ended[0]?.finish).toBe("interrupted");
    expect(expected[0]?.text.startsWith(ended[0]?.text ?? "?")).toBe(true);
    expect(ended[0]?.ids.length).toBeLessThan(expected[0]?.ids.length ?? 0);
    for (const index of [5, 7]) expect(ended[index]).toMatchObject({ finish: "interrupted", text: "" });
    for (const index of [1, 2, 3, 4, 6]) expect(ended[index]?.text).toBe(expected[index]?.text);
  });

  it("stops at a deadline in the middle of an answer, and while a question waits", async () => {
    const { pictures } = await start({ parallel: 1 });
    const [first, second] = pictures;
    if (first === undefined || second === undefined) throw new Error("no pictures");
    const endless = { question: DESCRIBE, maxTokens: 400, ignoreEnd: true };
    const begun = performance.now();
    const whole = await ask(first, endless);
    const took = performance.now() - begun;
    const [cut, late] = await Promise.all([
      ask(first, { ...endless, timeoutMs: took / 3 }),
      ask(second, { ...endless, timeoutMs: 1 }),
    ]);
    expect(cut.finish).toBe("timeout");
    expect(cut.ids.length).toBeGreaterThan(0);
    expect(cut.ids).toEqual(whole.ids.slice(0, cut.ids.length));
    expect(late).toMatchObject({ finish: "timeout", text: "" });
  });

  it("rejects what waits when it is disposed, and every later question", async () => {
    const { pictures } = await start({ parallel: 2 });
    const [first] = pictures;
    const asked = pictures.map(async (picture) =>
      ask(picture, { question: DESCRIBE, maxTokens: 200, ignoreEnd: true }),
    );
    const settled = Promise.allSettled(asked);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await engine?.dispose();
    for (const outcome of await settled) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "interrupted" } });
    }
    if (first === undefined) throw new Error("no pictures");
    await expect(ask(first, { question: DESCRIBE })).rejects.toMatchObject({ code: "usage" });
  });

  it("answers what was asked about a picture before it was released", async () => {
    const { pictures } = await start({ parallel: 2 });
    const asked = pictures.map(async (picture) => ask(picture, { question: DESCRIBE }));
    for (const picture of pictures) await engine?.release(picture);
    const answers = await Promise.all(asked);
    expect(answers.map(({ text }) => text)).toEqual(expected.map(({ text }) => text));
    const [first] = pictures;
    if (first === undefined) throw new Error("no pictures");
    await expect(ask(first, { question: DESCRIBE })).rejects.toMatchObject({ code: "usage" });
  });

  it.each([0, 65, 1.5, -1])("refuses to work on %s questions at once", async (parallel) => {
    await expect(Engine.load({ directory: demo.directory, device: "cpu", parallel })).rejects.toMatchObject({
      code: "usage",
    });
  });
});
