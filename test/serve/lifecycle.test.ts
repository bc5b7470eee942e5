import { request } from "node:http";
import { describe, expect, it } from "vitest";
import type { AskHooks, AskOptions } from "../../src/engine/api.ts";
import { FlashSlothError } from "../../src/core/errors.ts";
import { answer, FakeEngine } from "../pipeline/fake-engine.ts";
import { chatBody, JSON_TYPE, send, started, type Started } from "./in-process.ts";
import { until } from "./served.ts";

/** A body about a picture of its own. */
function about(name: string, changes: object = {}): string {
  const url = `data:image/png;base64,${Buffer.from(name).toString("base64")}`;
  const content = [
    { type: "text", text: "What is this?" },
    { type: "image_url", image_url: { url } },
  ];
  return chatBody({ messages: [{ role: "user", content }], ...changes });
}

/** Rejects when `signal` is aborted, as an engine's work does. */
async function forever(signal: AbortSignal | undefined): Promise<never> {
  return await new Promise((_, reject) => {
    const stop = (): void => reject(new FlashSlothError("interrupted", "stopped"));
    if (signal?.aborted === true) stop();
    signal?.addEventListener("abort", stop);
  });
}

/** A client that can go away. */
function client(server: Started, body: string): { readonly leave: () => void } {
  const sent = request(`${server.url}/v1/chat/completions`, {
    method: "POST",
    headers: JSON_TYPE,
    agent: false,
  });
  sent.on("error", () => {}).on("response", (response) => response.resume().on("error", () => {}));
  sent.end(body);
  return { leave: () => void sent.destroy() };
}

/** The value of a gauge. */
async function gauge(server: Started, name: string): Promise<number> {
  const { text } = await send(`${server.url}/metrics`);
  return Number(new RegExp(`^flashsloth_${name} (.*)$`, "m").exec(text)?.[1]);
}

async function idle(server: Started): Promise<boolean> {
  const names = ["requests_working", "requests_waiting", "questions_in_engine"];
  return (await Promise.all(names.map(async (name) => gauge(server, name)))).every((value) => value === 0);
}

describe("a client that goes away", () => {
  it.each([false, true])("frees its sequence while it is being answered, streaming: %s", async (stream) => {
    const stopped: string[] = [];
    const engine = new FakeEngine({
      ask: async (_picture: unknown, { question }: AskOptions, { onText, signal }: AskHooks = {}) => {
        onText?.("It ");
        await forever(signal).catch(() => stopped.push(question));
        return answer("It ", { finish: "interrupted" });
      },
    });
    const server = await started({ engine });
    const { leave } = client(server, about("a", { stream }));
    await until(async () => (await gauge(server, "questions_in_engine")) === 1, "it is asked");
    leave();
    await until(() => stopped.length === 1, "the engine is told");
    await until(() => idle(server), "nothing is left");
    await until(() => server.log.some(({ status }) => status === 499), "the log says so");
    expect(server.log.filter(({ route }) => route.endsWith("completions"))).toHaveLength(1);
  });

  it("frees the encoder, unless somebody else waits for the same picture", async () => {
    const stopped: string[] = [];
    const encoding: AbortSignal[] = [];
    const engine = new FakeEngine({
      parallel: 8,
      encodePicture: async (_input, { signal } = {}) => {
        if (signal !== undefined) encoding.push(signal);
        return await forever(signal).catch((error: unknown) => {
          stopped.push("one");
          throw error;
        });
      },
    });
    const server = await started({ engine });
    const [first, second, third] = [about("a"), about("a"), about("b")].map((body) => client(server, body));
    await until(async () => (await gauge(server, "requests_working")) === 3, "they wait");
    await until(() => encoding.length === 2, "both pictures are being encoded");
    third?.leave();
    await until(() => stopped.length === 1, "the picture that nobody wants is given up");
    first?.leave();
    await until(async () => (await gauge(server, "requests_working")) === 1, "one is left");
    expect(stopped).toHaveLength(1);
    second?.leave();
    await until(() => stopped.length === 2, "the other is given up too");
    await until(() => idle(server), "nothing is left");
  });

  it("leaves the line", async () => {
    let asked = 0;
    const waiting: (() => void)[] = [];
    const engine = new FakeEngine({
      parallel: 1,
      ask: async () => {
        asked++;
        await new Promise<void>((resolve) => waiting.push(resolve));
        return answer("Red.");
      },
    });
    const server = await started({ engine, queue: 20 });
    const clients = Array.from({ length: 12 }, (_, index) => client(server, about(String(index))));
    await until(async () => (await gauge(server, "requests_waiting")) === 7, "seven wait");
    for (const { leave } of clients.slice(5)) leave();
    await until(async () => (await gauge(server, "requests_waiting")) === 0, "nobody waits");
    for (const go of waiting.splice(0)) go();
    await until(() => idle(server), "nothing is left");
    expect(asked).toBe(5);
  });
});

describe("a request that takes too long", () => {
  it("is told so, wherever it is", async () => {
    const engine = new FakeEngine({ encodePicture: async (_input, { signal } = {}) => forever(signal) });
    const server = await started({ engine, timeoutMs: 100 });
    const { status, text } = await send(`${server.url}/v1/chat/completions`, {
      headers: JSON_TYPE,
      body: about("a"),
    });
    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ error: { code: "timeout", type: "server_error" } });
    await until(() => idle(server), "nothing is left");
  });

  it("has what was said so far, and the engine knows how long it may take", async () => {
    const limits: (number | undefined)[] = [];
    const engine = new FakeEngine({
      ask: async (_picture, { timeoutMs }) => {
        limits.push(timeoutMs);
        return limits.length === 1
          ? answer("It is", { finish: "timeout" })
          : answer("", { finish: "timeout" });
      },
    });
    const server = await started({ engine, timeoutMs: 5000 });
    const ask = async (): ReturnType<typeof send> =>
      send(`${server.url}/v1/chat/completions`, { headers: JSON_TYPE, body: about("a") });
    expect(JSON.parse((await ask()).text)).toMatchObject({
      choices: [{ message: { content: "It is" }, finish_reason: "length" }],
    });
    expect((await ask()).status).toBe(503);
    for (const limit of limits) {
      expect(limit).toBeGreaterThan(3000);
      expect(limit).toBeLessThanOrEqual(5000);
    }
  });
});

describe("a stream", () => {
  it("that breaks in its midst says why, and has no end of an answer", async () => {
    const engine = new FakeEngine({
      ask: async (_picture, _options, { onText } = {}) => {
        onText?.("It is");
        await new Promise((wait) => setTimeout(wait, 30));
        throw new FlashSlothError("constraint", "the answer's JSON was not complete");
      },
    });
    const server = await started({ engine });
    const { status, text } = await send(`${server.url}/v1/chat/completions`, {
      headers: JSON_TYPE,
      body: about("a", { stream: true }),
    });
    expect(status).toBe(200);
    const events = text.trim().split("\n\n");
    expect(JSON.parse(events.at(-1)?.slice(6) ?? "")).toMatchObject({ error: { code: "constraint" } });
    expect(text).not.toContain("[DONE]");
    await until(() => server.log.length === 1, "it is logged");
    expect(server.log).toMatchObject([{ status: 200, code: "constraint" }]);
  });
});

describe("pictures", () => {
  it("are released as often as they were asked about, and the least recently used go", async () => {
    const engine = new FakeEngine({ parallel: 4 });
    const server = await started({ engine });
    for (let index = 0; index < 20; index++) {
      const body = about(String(index));
      const replies = await Promise.all(
        [body, body].map(async (each) =>
          send(`${server.url}/v1/chat/completions`, { headers: JSON_TYPE, body: each }),
        ),
      );
      expect(replies.map(({ status }) => status)).toEqual([200, 200]);
    }
    expect(engine.released).toEqual([1, 2, 3, 4]);
  });
});
