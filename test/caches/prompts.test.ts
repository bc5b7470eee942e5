import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { PromptCache, type PromptCacheOptions } from "../../src/caches/prompts.ts";

const STATE = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-prompts-"));
  return async () => rm(folder, { recursive: true });
});

function open(other: Partial<PromptCacheOptions> = {}): PromptCache {
  const of = { model: "m", runtime: "llama.cpp 1, cpu", beginning: "A chat" };
  return new PromptCache({ directory: join(folder, "prompts"), ...of, ...other });
}

describe("the kept beginning of prompts", () => {
  it("belongs to one model, runtime and text", async () => {
    const cache = open();
    expect(await cache.read()).toBeUndefined();
    cache.write(STATE);
    await cache.written;
    expect(Buffer.from((await open().read()) ?? []).equals(STATE)).toBe(true);
    const others = [{ model: "n" }, { runtime: "llama.cpp 2, cpu" }, { beginning: "A talk" }];
    for (const other of others) expect(await open(other).read()).toBeUndefined();
  });

  it("is done without where nothing can be written", async () => {
    await writeFile(join(folder, "prompts"), "a file where the folder should be");
    const cache = open();
    cache.write(STATE);
    await cache.written;
    expect(await cache.read()).toBeUndefined();
  });
});
