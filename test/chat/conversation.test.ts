import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Conversation, type ConversationModel } from "../../src/chat/conversation.ts";
import type { Answer, EncodedPicture, Turn } from "../../src/engine/api.ts";
import { Engine } from "../../src/engine/engine.ts";
import { convertDemo, DRAWINGS } from "../demo/demo-model.ts";

const QUESTIONS = [
  "What color is the circle?",
  "How many shapes are there?",
  "Describe the image.",
  "Is there a red circle?",
];

describe("a conversation with the demo model", () => {
  let demo: Awaited<ReturnType<typeof convertDemo>>;
  let engine: Engine;
  let conversation: Conversation;

  beforeAll(async () => {
    demo = await convertDemo();
    engine = await Engine.load({ directory: demo.directory, device: "cpu", threads: 1, parallel: 1 });
  });

  afterAll(async () => {
    await engine?.dispose();
    await demo?.remove();
  });

  beforeEach(async () => {
    conversation = new Conversation({ model: engine });
    await conversation.look(join(DRAWINGS, "023.png"));
  });
  afterEach(async () => conversation.dispose());

  it("says the same, id by id, as the same turns built by hand", async () => {
    const fresh = await Engine.load({ directory: demo.directory, device: "cpu", threads: 1, parallel: 1 });
    try {
      const picture = await fresh.encodePicture(join(DRAWINGS, "023.png"));
      const history: Turn[] = [];
      for (const question of QUESTIONS) {
        const said = await conversation.ask(question);
        const byHand = await fresh.ask(picture, { question, history });
        expect(said.ids).toEqual(byHand.ids);
        expect(said.text).toBe(byHand.text);
        expect(said.tokens).toEqual(byHand.tokens);
        history.push({ question, answer: byHand.text });
      }
      expect(conversation.turns).toEqual(history.map((turn) => ({ ...turn, finish: "stop" })));
      expect(history[0]?.answer).toBe("Red.");
    } finally {
      await fresh.dispose();
    }
  });

  it("computes of a later turn only what is new", async () => {
    const tokenizer = await engine.tokenizer();
    const count = (text: string): number => tokenizer.tokenize(text).length;
    let before: Answer | undefined;
    for (const question of QUESTIONS) {
      const { rows, picturesEncoded } = await engine.counters();
      const answer = await conversation.ask(question);
      const after = await engine.counters();
      if (before !== undefined) {
        // the end of the answer before, the question with its USER:, the queries, ASSISTANT:
        const fresh = 1 + count(`USER: ${question}`) + 9 + count(" ASSISTANT:");
        expect(answer.tokens.prompt - answer.reusedPositions).toBe(fresh);
        expect(answer.reusedPositions).toBe(before.tokens.prompt + before.tokens.answer);
        expect(after.rows - rows).toBe(fresh + answer.ids.length);
        expect(after.picturesEncoded).toBe(picturesEncoded);
      }
      before = answer;
    }
  });

  it("tells where the model looked for the last answer, and goes on as if nobody had asked", async () => {
    await expect(conversation.explain()).rejects.toMatchObject({ code: "usage" });
    const [first = "", second = "", third = ""] = QUESTIONS;
    const { text } = await conversation.ask(first);
    const before = await conversation.ask(second);
    const { weights } = await conversation.explain();
    const picture = await engine.encodePicture(join(DRAWINGS, "023.png"));
    const history = [{ question: first, answer: text }];
    const byHand = await engine.ask(picture, { question: second, history, explain: {} });
    const other = await engine.ask(picture, { question: first, explain: {} });
    await engine.release(picture);
    const distance = (from: Float32Array | undefined): number =>
      weights.reduce((most, weight, at) => Math.max(most, Math.abs(weight - (from?.[at] ?? 1))), 0);
    expect(distance(byHand.explain?.weights)).toBeLessThan(1e-3);
    expect(distance(other.explain?.weights)).toBeGreaterThan(5e-3);
    expect((await conversation.explain({ layer: "sap" })).layer).toBe("sap");
    const next = await conversation.ask(third);
    expect(next.reusedPositions).toBe(before.tokens.prompt + before.tokens.answer);
    expect(conversation.turns.map(({ question }) => question)).toEqual([first, second, third]);
  });

  it("begins anew when cleared, with the picture that was computed already", async () => {
    const first = await conversation.ask(QUESTIONS[0] ?? "");
    await conversation.ask(QUESTIONS[1] ?? "");
    await conversation.clear();
    expect(conversation.turns).toEqual([]);
    const again = await conversation.ask(QUESTIONS[0] ?? "");
    expect(again.ids).toEqual(first.ids);
    expect(again.tokens).toEqual(first.tokens);
    expect(again.reusedPositions).toBeGreaterThanOrEqual(
      (conversation.picture?.visualTokens ?? 0) + (await engine.tokenizer()).tokenize("A chat").length,
    );
  });

  it("begins anew with another picture, and stays with the old one where there is no other", async () => {
    await conversation.ask(QUESTIONS[0] ?? "");
    const old = conversation.picture;
    await expect(conversation.look("no-such-picture.png")).rejects.toMatchObject({ code: "image-not-found" });
    expect(conversation.picture).toBe(old);
    expect(conversation.turns).toHaveLength(1);
    await conversation.look(join(DRAWINGS, "003.png"));
    expect(conversation.turns).toEqual([]);
    expect((await conversation.ask("What color is the square?")).text).toBe("Purple.");
    if (old === undefined) throw new Error("no picture");
    await expect(engine.ask(old, { question: "What?" })).rejects.toMatchObject({ code: "usage" });
  });

  it("takes questions in order, also when they are asked at once", async () => {
    const answers = await Promise.all(QUESTIONS.map(async (question) => conversation.ask(question)));
    expect(conversation.turns.map(({ question }) => question)).toEqual(QUESTIONS);
    const prompts = answers.map(({ tokens }) => tokens.prompt);
    expect(prompts).toEqual(prompts.toSorted((a, b) => a - b));
    expect(new Set(prompts).size).toBe(QUESTIONS.length);
  });

  it("keeps what was said of an answer that was stopped, and no turn where nothing was", async () => {
    const stop = new AbortController();
    const long = { temperature: 100, seed: 3, maxTokens: 1000 };
    const half = await conversation.ask(QUESTIONS[0] ?? "", {
      ...long,
      signal: stop.signal,
      onText: () => stop.abort(),
    });
    expect(half.finish).toBe("interrupted");
    expect(half.text).not.toBe("");
    expect(conversation.turns).toEqual([
      { question: QUESTIONS[0], answer: half.text, finish: "interrupted" },
    ]);
    const none = await conversation.ask(QUESTIONS[1] ?? "", { signal: AbortSignal.abort() });
    expect(none).toMatchObject({ finish: "interrupted", text: "" });
    expect(conversation.turns).toHaveLength(1);
    const { finish } = await conversation.ask(QUESTIONS[1] ?? "");
    expect(finish).toBe("stop");
  });

  it("is full in the end: says so, and loses nothing", async () => {
    const positions = 2048; // those of the published models: the demo's are full after a few turns
    const long = await Engine.load({
      directory: demo.directory,
      device: "cpu",
      threads: 1,
      parallel: 1,
      positions,
    });
    try {
      const talk = new Conversation({ model: long });
      await talk.look(join(DRAWINGS, "023.png"));
      const asked: string[] = [];
      let full: unknown;
      let last: Answer | undefined;
      for (let turn = 0; turn < 200 && full === undefined; turn++) {
        const question = QUESTIONS[turn % 2] ?? "";
        try {
          const before = await long.counters();
          // beyond the positions that it was trained for it says anything
          last = await talk.ask(question, { maxTokens: 4 });
          const fresh = (await long.counters()).rows - before.rows;
          // the fiftieth turn costs what the second did
          if (turn > 0) expect(fresh).toBeLessThan(40);
          asked.push(question);
        } catch (error) {
          full = error;
        }
      }
      expect(full).toMatchObject({
        code: "question-too-long",
        message: expect.stringMatching(
          /^the question needs \d+ positions, and the conversation has left \d+ of/,
        ),
        hint: expect.stringContaining("new conversation"),
      });
      expect(asked.length).toBeGreaterThan(50);
      expect((last?.tokens.prompt ?? 0) + 100).toBeGreaterThan(positions);
      expect(talk.turns.map(({ question }) => question)).toEqual(asked);
      const before = [...talk.turns];
      await expect(talk.ask(QUESTIONS[0] ?? "")).rejects.toMatchObject({ code: "question-too-long" });
      expect(talk.turns).toEqual(before);
      await talk.clear();
      expect((await talk.ask(QUESTIONS[0] ?? "")).text).toBe("Red.");
    } finally {
      await long.dispose();
    }
  });

  it("has the whole context also for a picture that it comes back to", async () => {
    const caches = await mkdtemp(join(tmpdir(), "flashsloth-conversation-"));
    const pictureCache = { features: join(caches, "features"), prefixes: join(caches, "prefixes") };
    const keeping = await Engine.load({
      directory: demo.directory,
      device: "cpu",
      threads: 1,
      parallel: 1,
      pictureCache,
    });
    try {
      const talk = new Conversation({ model: keeping, ignoreEnd: true });
      const lengths: number[] = [];
      for (const name of ["023.png", "003.png", "023.png"]) {
        await talk.look(join(DRAWINGS, name));
        await talk.ask(QUESTIONS[0] ?? "", { maxTokens: 2 });
        const { finish, tokens } = await talk.ask(QUESTIONS[1] ?? "", { maxTokens: 100_000 });
        expect(finish).toBe("length");
        lengths.push(tokens.prompt + tokens.answer);
      }
      expect(new Set(lengths).size).toBe(1);
      // read from the disk, where what every prompt begins with is in it once more
      expect((await keeping.counters()).prefixesRead).toBe(1);
    } finally {
      await keeping.dispose();
      await rm(caches, { recursive: true, force: true });
    }
  });

  it("cuts an answer off at the end of the context, and keeps it", async () => {
    const maxTokens = 100_000;
    const answer = await conversation.ask(QUESTIONS[0] ?? "", { ignoreEnd: true, maxTokens });
    expect(answer.finish).toBe("length");
    expect(answer.tokens.answer).toBeLessThan(maxTokens);
    expect(conversation.turns).toHaveLength(1);
    expect(conversation.turns[0]).toEqual({
      question: QUESTIONS[0],
      answer: answer.text,
      finish: "length",
    });
  });
});

describe("a conversation", () => {
  it("without a picture asks nothing", async () => {
    const model: ConversationModel = {
      encodePicture: async () => Promise.reject(new Error("not to be called")),
      ask: async () => Promise.reject(new Error("not to be called")),
      release: async () => {},
    };
    const conversation = new Conversation({ model });
    expect(conversation.picture).toBeUndefined();
    await expect(conversation.ask("What?")).rejects.toMatchObject({ code: "usage" });
  });

  it("asks as its settings say, and as a question of its own says otherwise", async () => {
    const asked: unknown[] = [];
    const answer = { text: "Yes.", finish: "stop" } as Answer;
    const released: EncodedPicture[] = [];
    const picture = { id: 1 } as EncodedPicture;
    const model: ConversationModel = {
      encodePicture: async () => picture,
      ask: async (_, options) => (asked.push(options), answer),
      release: async (which) => void released.push(which),
    };
    const conversation = new Conversation({ model, maxTokens: 7, temperature: 0.5 });
    await conversation.look("a.png");
    await conversation.ask("One?");
    await conversation.ask("Two?", { maxTokens: 9, seed: 4 });
    expect(asked).toEqual([
      { maxTokens: 7, temperature: 0.5, question: "One?", history: [], keep: true },
      {
        maxTokens: 9,
        temperature: 0.5,
        seed: 4,
        question: "Two?",
        history: [{ question: "One?", answer: "Yes." }],
        keep: true,
      },
    ]);
    await conversation.dispose();
    expect(released).toEqual([picture]);
  });
});
