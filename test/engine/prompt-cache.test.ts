import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createHash, randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import { PromptCache, promptCachePrefix } from "../../src/engine/prompt-cache.ts";
import { convertDemo, DRAWINGS } from "../demo/demo-model.ts";

const ROLES = { vision: "v", embq: "e", language: "language.gguf", queries: "q" };
const STATE = new Uint8Array(randomBytes(1000));

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-prompts-"));
  return async () => rm(folder, { recursive: true });
});

/** @param weights the language model's sha256 */
function open(runtime = "llama.cpp 1, cpu", weights = "ab".repeat(32)): PromptCache {
  const files = [{ name: "language.gguf", size: 1, sha256: weights }];
  const prefix = promptCachePrefix({ files, roles: ROLES }) ?? "";
  return new PromptCache({ directory: join(folder, "prompts"), prefix, runtime });
}

/** The one file that is kept. */
async function keptFile(): Promise<string> {
  const [name = ""] = await readdir(join(folder, "prompts"));
  return join(folder, "prompts", name);
}

describe("PromptCache", () => {
  it("gives back what was written, to the same model and runtime only", async () => {
    const cache = open();
    expect(await cache.read()).toBeUndefined();
    cache.write(STATE);
    await cache.written;
    expect(Buffer.from((await open().read()) ?? []).equals(STATE)).toBe(true);
    expect(await open("llama.cpp 2, cpu").read()).toBeUndefined();
    expect(await open("llama.cpp 1, cpu", "cd".repeat(32)).read()).toBeUndefined();
  });

  it("has no name for a model whose weights the manifest does not list", () => {
    const files = [{ name: "vision.onnx", size: 1, sha256: "ab".repeat(32) }];
    expect(promptCachePrefix({ files, roles: ROLES })).toBeUndefined();
  });

  it("refuses a file with any byte changed or missing", async () => {
    const cache = open();
    cache.write(STATE);
    await cache.written;
    const path = await keptFile();
    const whole = await readFile(path);
    for (let at = 0; at < whole.length; at += 7) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      await writeFile(path, damaged);
      expect(await cache.read(), `byte ${at}`).toBeUndefined();
      await writeFile(path, whole.subarray(0, at));
      expect(await cache.read(), `${at} bytes`).toBeUndefined();
    }
  });

  it("goes without where nothing can be written", async () => {
    await writeFile(join(folder, "prompts"), "a file where the folder should be");
    const cache = open();
    cache.write(STATE);
    await cache.written;
    expect(await cache.read()).toBeUndefined();
  });
});

describe("an engine with a prompt cache", () => {
  let demo: Awaited<ReturnType<typeof convertDemo>>;
  beforeAll(async () => {
    demo = await convertDemo();
  });
  afterAll(async () => demo?.remove());

  /** One question in a new engine. */
  async function ask(): Promise<{ ids: readonly number[]; reused: number; logits: Float32Array }> {
    const { directory } = demo;
    const engine = await Engine.load({ directory, device: "cpu", threads: 1, promptCache: folder });
    try {
      const picture = await engine.encodePicture(join(DRAWINGS, "003.png"));
      let logits: Float32Array = new Float32Array();
      const answer = await engine.ask(
        picture,
        { question: "What color is the square?" },
        { onLogits: (values, step) => void (step === 0 && (logits = values)) },
      );
      return { ids: answer.ids, reused: answer.reusedPositions, logits };
    } finally {
      await engine.dispose();
    }
  }

  it("computes the prompt's beginning once, and answers the same to the last bit", async () => {
    const first = await ask();
    expect(first.reused).toBe(0);
    const second = await ask();
    expect(second.reused).toBeGreaterThan(20);
    expect(second.ids).toEqual(first.ids);
    expect(second.logits).toEqual(first.logits);
  });

  it("computes it anew where llama.cpp does not take the state, and keeps that", async () => {
    const first = await ask();
    const [name = ""] = await readdir(folder);
    const path = join(folder, name);
    const whole = await readFile(path);
    const states = [
      whole.subarray(32, 32 + 40),
      Buffer.alloc(whole.length - 32),
      Buffer.concat([whole.subarray(32), Buffer.alloc(8)]),
    ];
    for (const state of states) {
      await writeFile(path, Buffer.concat([createHash("sha256").update(state).digest(), state]));
      const again = await ask();
      expect(again.reused).toBe(0);
      expect(again.logits).toEqual(first.logits);
      expect((await readFile(path)).equals(whole)).toBe(true);
    }
  });
});
