import { readFile } from "node:fs/promises";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { describe, expect, it } from "vitest";
import { FlashSlothError } from "../../src/core/errors.ts";
import type { Answer, AskHooks, EncodedPicture, EngineHandle } from "../../src/engine/api.ts";
import { Calls } from "../../src/mcp/call.ts";
import { LazyModel } from "../../src/mcp/model.ts";
import { Progress } from "../../src/mcp/progress.ts";
import { Roots } from "../../src/mcp/roots.ts";
import { createServer } from "../../src/mcp/server.ts";
import { drawing, DRAWINGS_FOLDER } from "../cli/binary.ts";

/** An engine whose answers come when the test says so. */
class FakeEngine {
  readonly asked: { question: string; hooks: AskHooks; answer: (text: string) => void }[] = [];
  encoded = 0;
  released = 0;
  #seen: (() => void) | undefined;

  async preparePicture(): Promise<object> {
    return { pixels: new Uint8Array(), crops: 1, size: 1, width: 1, height: 1 };
  }

  async encodePicture(): Promise<EncodedPicture> {
    this.encoded++;
    const ms = { image: 0, wait: 0, vision: 0 };
    const sizes = { width: 1, height: 1, crops: 1, features: 1, visualTokens: 1 };
    return { id: this.encoded, ...sizes, cached: false, ms };
  }

  async ask(_: EncodedPicture, { question }: { question: string }, hooks: AskHooks): Promise<Answer> {
    return await new Promise((resolve) => {
      const answer = (text: string): void => {
        const tokens = { image: 1, prompt: 1, answer: 1, question: 1 };
        const ms = { wait: 0, queue: 0, prefill: 0, embq: 0, firstToken: 0, decode: 0 };
        const choices = [
          { text: "yes", logprob: -1, probability: 0.5 },
          { text: "no", logprob: -1, probability: 0.5 },
        ];
        resolve({ text, finish: "stop", tokens, reusedPositions: 0, ids: [], ms, choices, mass: 1 });
      };
      this.asked.push({ question, hooks, answer });
      this.#seen?.();
    });
  }

  async release(): Promise<void> {
    this.released++;
  }

  async ready(): Promise<object> {
    return { parallel: 2 };
  }

  async dispose(): Promise<void> {}

  /** Resolves when so many questions have come. */
  async questions(count: number): Promise<void> {
    while (this.asked.length < count) await new Promise<void>((resolve) => (this.#seen = resolve));
  }
}

async function served(
  engine: FakeEngine,
  load?: () => Promise<{ name: string; engine: EngineHandle }>,
): Promise<{ client: Client; defects: FlashSlothError[] }> {
  const defects: FlashSlothError[] = [];
  const server = createServer({
    places: { roots: await Roots.open({ directories: [DRAWINGS_FOLDER] }) },
    model: new LazyModel(load ?? (async () => ({ name: "fake", engine: engine as unknown as EngineHandle }))),
    calls: new Calls((error) => defects.push(error)),
  });
  const [here, there] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "test", version: "1" });
  await Promise.all([server.connect(there), client.connect(here)]);
  return { client, defects };
}

/** Something that happens once. */
class Signal {
  readonly given: Promise<void>;
  #give: (() => void) | undefined;

  constructor() {
    this.given = new Promise((resolve) => (this.#give = resolve));
  }

  give(): void {
    this.#give?.();
  }
}

const picture = { path: "023.png", question: "What is it?" };
const tick = async (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 20));

describe("a call that is cancelled", () => {
  it("stops its question in the engine and lets its picture go", async () => {
    const engine = new FakeEngine();
    const { client } = await served(engine);
    const cancel = new AbortController();
    const call = client.callTool({ name: "ask_about_picture", arguments: picture }, undefined, cancel);
    await engine.questions(1);
    expect(engine.asked[0]?.hooks.signal?.aborted).toBe(false);
    cancel.abort();
    await expect(call).rejects.toThrow(/abort|cancel/i);
    await tick();
    expect(engine.asked[0]?.hooks.signal?.aborted).toBe(true);
    expect([engine.encoded, engine.released]).toEqual([1, 1]);
  });

  it("ends a search: nothing further is asked, and every picture is let go", async () => {
    const engine = new FakeEngine();
    const { client } = await served(engine);
    const cancel = new AbortController();
    const search = { name: "search_pictures", arguments: { folder: DRAWINGS_FOLDER, what: "a dog" } };
    const call = client.callTool(search, undefined, cancel);
    await engine.questions(1);
    cancel.abort();
    await expect(call).rejects.toThrow(/abort|cancel/i);
    await tick();
    const asked = engine.asked.length;
    for (const { hooks, answer } of engine.asked) {
      expect(hooks.signal?.aborted).toBe(true);
      answer("no");
    }
    await tick();
    expect(engine.asked).toHaveLength(asked);
    expect(engine.released).toBe(engine.encoded);
  });

  it("does not wait for a model that is still loading, and leaves it to load for others", async () => {
    const engine = new FakeEngine();
    let loads = 0;
    const begun = new Signal();
    const loaded = new Signal();
    const { client } = await served(engine, async () => {
      loads++;
      begun.give();
      await loaded.given;
      return { name: "fake", engine: engine as unknown as EngineHandle };
    });
    const cancel = new AbortController();
    const first = client.callTool({ name: "ask_about_picture", arguments: picture }, undefined, cancel);
    const second = client.callTool({ name: "ask_about_picture", arguments: picture });
    await begun.given;
    cancel.abort();
    await expect(first).rejects.toThrow(/abort|cancel/i);
    loaded.give();
    await engine.questions(1);
    engine.asked[0]?.answer("a circle");
    expect((await second).structuredContent).toEqual({ answer: "a circle", finish: "stop" });
    expect([loads, engine.asked.length]).toEqual([1, 1]);
  });
});

describe("calls", () => {
  it("are worked on 64 at once, and the others in their turn", async () => {
    const engine = new FakeEngine();
    const { client } = await served(engine);
    const calls = Array.from({ length: 70 }, async (_, at) =>
      client.callTool({ name: "ask_about_picture", arguments: { ...picture, question: `${at}?` } }),
    );
    await engine.questions(64);
    await tick();
    expect(engine.asked).toHaveLength(64);
    for (let at = 0; at < 70; at++) {
      await engine.questions(at + 1);
      engine.asked[at]?.answer(`answer to ${engine.asked[at]?.question}`);
    }
    const texts = (await Promise.all(calls)).map(({ structuredContent }) => structuredContent);
    expect(texts).toEqual(calls.map((_, at) => ({ answer: `answer to ${at}?`, finish: "stop" })));
  });

  it("try again to load a model that did not load", async () => {
    const engine = new FakeEngine();
    let loads = 0;
    const { client, defects } = await served(engine, async () => {
      if (loads++ === 0) throw new FlashSlothError("native", "no luck", { hint: "try again" });
      return { name: "fake", engine: engine as unknown as EngineHandle };
    });
    const args = { name: "ask_about_picture", arguments: picture };
    expect(await client.callTool(args)).toMatchObject({
      isError: true,
      content: [{ text: "native: no luck\nhint: try again" }],
    });
    const again = client.callTool(args);
    await engine.questions(1);
    engine.asked[0]?.answer("yes");
    expect(await again).toMatchObject({ structuredContent: { answer: "yes" } });
    expect(defects).toEqual([]);
  });

  it("hide no defect: it is told as one, and its stack is kept", async () => {
    const { client, defects } = await served(new FakeEngine(), async () => {
      throw new TypeError("x is not a function");
    });
    const base64 = (await readFile(drawing("023.png"))).toString("base64");
    const said = await client.callTool({ name: "ask_about_picture", arguments: { base64, question: "?" } });
    expect(said).toMatchObject({
      isError: true,
      content: [{ text: expect.stringMatching(/^internal: .*x is/) }],
    });
    expect(defects.map(({ cause }) => cause)).toEqual([expect.any(TypeError)]);
  });
});

describe("progress", () => {
  it("grows with every notification, and is told five times a second at most", () => {
    const sent: [number, string][] = [];
    let time = 0;
    const progress = new Progress({ send: (done, message) => sent.push([done, message]), now: () => time });
    progress.say("a");
    progress.say("b"); // at once: too soon
    time = 250;
    progress.say("c", 10);
    time = 500;
    progress.say("d", 0);
    progress.end();
    expect(sent).toEqual([
      [1, "a"],
      [12, "c"],
      [13, "d"],
    ]);
  });
});
