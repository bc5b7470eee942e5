import { Worker } from "node:worker_threads";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FlashSlothError } from "../../src/core/errors.ts";
import type { EncodedPicture, EngineHandle } from "../../src/engine/api.ts";
import { RemoteEngine, startEngine } from "../../src/engine/client.ts";
import { convertDemo, DRAWINGS } from "../demo/demo-model.ts";

const PICTURE: EncodedPicture = {
  id: 1,
  width: 8,
  height: 8,
  crops: 1,
  features: 81,
  visualTokens: 9,
  cached: false,
  ms: { image: 0, wait: 0, vision: 0 },
};

/** An engine's thread of the test's own. @param body runs in it; `port` is the engine's */
function engineOf(body: string): RemoteEngine {
  const code = `const { parentPort: port } = require("node:worker_threads"); ${body}`;
  return new RemoteEngine(new Worker(code, { eval: true }), "/nowhere");
}

describe("an engine whose thread ends", () => {
  it.each([
    ["by itself", `port.once("message", () => process.exit());`, "internal"],
    ["of an error", `port.once("message", () => { throw new Error("out of luck"); });`, "internal"],
    ["before it is asked", "process.exit();", "internal"],
  ])("%s rejects everything that is not answered, once", async (_, body, code) => {
    const engine = engineOf(body);
    const asked = [
      engine.ask(PICTURE, { question: "Why?" }),
      engine.ask(PICTURE, { question: "Where?" }),
      engine.encodePicture(new Uint8Array([1])),
      engine.counters(),
      engine.ready(),
    ];
    for (const outcome of await Promise.allSettled(asked)) {
      expect(outcome.status).toBe("rejected");
      if (outcome.status !== "rejected") continue;
      const { reason } = outcome as { reason: unknown };
      expect(reason instanceof FlashSlothError ? reason.code : code).toBe(code);
    }
    await expect(engine.ask(PICTURE, { question: "Still there?" })).rejects.toThrow(/./);
    await engine.dispose(); // has nothing to free, and does not wait for it
  });

  it("rejects what was asked while it loaded with the reason why it did not", async () => {
    const error = { code: "model-invalid", message: "damaged", hint: "pull", stack: undefined };
    const engine = engineOf(`port.postMessage({ failed: ${JSON.stringify(error)} }); port.close();`);
    const asked = [engine.ask(PICTURE, { question: "Why?" }), engine.ready()];
    for (const outcome of await Promise.allSettled(asked)) {
      expect(outcome).toMatchObject({ reason: { code: "model-invalid", message: "damaged" } });
    }
  });
});

describe("an engine in its thread", () => {
  let demo: Awaited<ReturnType<typeof convertDemo>>;
  let engine: EngineHandle;
  const drawing = join(DRAWINGS, "003.png");
  const question = "What color is the square?";

  beforeAll(async () => {
    demo = await convertDemo();
    engine = await startEngine({ directory: demo.directory, device: "cpu", threads: 1 });
  });

  afterAll(async () => {
    await engine?.dispose();
    await demo?.remove();
  });

  it("takes over a prepared picture's pixels without a copy", async () => {
    const prepared = await engine.preparePicture(drawing);
    const { byteLength } = prepared.pixels;
    const picture = await engine.encodePicture(prepared);
    expect([byteLength > 0, prepared.pixels.byteLength]).toEqual([true, 0]);
    expect((await engine.ask(picture, { question })).text).toBe("Purple.");
    await expect(engine.encodePicture(prepared)).rejects.toMatchObject({ code: "usage" });
  });

  it("copies pixels that share their memory with something else", async () => {
    const prepared = await engine.preparePicture(drawing);
    const shared = new Uint8Array(prepared.pixels.byteLength + 8);
    shared.set(prepared.pixels, 8);
    const view = { ...prepared, pixels: shared.subarray(8) };
    const picture = await engine.encodePicture(view);
    expect(shared.byteLength).toBeGreaterThan(8);
    expect((await engine.ask(picture, { question })).text).toBe("Purple.");
  });

  it("does not encode a picture that nobody wants any more", async () => {
    const { picturesEncoded } = await engine.counters();
    const signal = AbortSignal.abort();
    await expect(engine.encodePicture(drawing, { signal })).rejects.toMatchObject({ code: "interrupted" });
    const controller = new AbortController();
    const first = engine.encodePicture(drawing);
    const second = engine.encodePicture(drawing, { signal: controller.signal });
    controller.abort();
    await expect(second).rejects.toMatchObject({ code: "interrupted" });
    await first;
    expect((await engine.counters()).picturesEncoded).toBe(picturesEncoded + 1);
  });

  it("rejects what is not answered when it is disposed", async () => {
    const other = await startEngine({ directory: demo.directory, device: "cpu", threads: 1, parallel: 2 });
    const picture = await other.encodePicture(drawing);
    const endless = { question: "Describe the image.", maxTokens: 300, ignoreEnd: true };
    const asked = Promise.allSettled([1, 2, 3, 4].map(async () => other.ask(picture, endless)));
    await new Promise((resolve) => setTimeout(resolve, 30));
    await other.dispose();
    for (const outcome of await asked) expect(outcome.status).toBe("rejected");
    await other.dispose();
  });

  it("passes choices and their probabilities through", async () => {
    const picture = await engine.encodePicture(drawing);
    const constraint = { kind: "choices", texts: ["red", "purple"] } as const;
    const answer = await engine.ask(picture, { question, constraint });
    expect(answer.text).toBe("purple");
    expect(answer.choices?.map(({ text }) => text)).toEqual(["red", "purple"]);
    expect(answer.choices?.[1]?.probability).toBeGreaterThan(0.9);
  });
});
