import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { languageKey } from "../../src/caches/keys.ts";
import { PromptCache } from "../../src/caches/prompts.ts";
import { readManifest } from "../../src/core/model/manifest.ts";
import { Engine } from "../../src/engine/engine.ts";
import { SYSTEM_TEXT } from "../../src/engine/prompt.ts";
import { loadLlama } from "../../src/language/ffi/library.ts";
import { convertDemo, DRAWINGS } from "../demo/demo-model.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-prompts-"));
  return async () => rm(folder, { recursive: true });
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
    const state = whole.subarray(32);
    const states = [
      state.subarray(0, 40),
      Buffer.alloc(state.length),
      Buffer.concat([state, Buffer.alloc(8)]),
    ];
    const { version } = await loadLlama("cpu");
    const model = languageKey(await readManifest(demo.directory)) ?? "";
    const runtime = `llama.cpp ${version}, cpu, values transposed`;
    const cache = new PromptCache({ directory: folder, model, runtime, beginning: SYSTEM_TEXT });
    for (const other of states) {
      cache.write(other);
      await cache.written;
      expect(await readdir(folder)).toEqual([name]);
      const again = await ask();
      expect(again.reused).toBe(0);
      expect(again.logits).toEqual(first.logits);
      expect((await readFile(path)).equals(whole)).toBe(true);
    }
  });
});
