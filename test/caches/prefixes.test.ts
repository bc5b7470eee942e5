import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { cacheBounds, DEFAULT_CACHE_BYTES } from "../../src/caches/bounds.ts";
import { cacheUsage, clearCache } from "../../src/caches/entries.ts";
import { PrefixCache } from "../../src/caches/prefixes.ts";

const OF = {
  language: "l",
  vision: "v",
  runtime: "llama.cpp 1, cpu, f16",
  encoder: "onnxruntime 1, cpu",
  rounded: true,
  beginning: "A chat",
};

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "flashsloth-prefixes-"));
  return async () => rm(directory, { recursive: true });
});

describe("a kept prefix", () => {
  it("comes back byte by byte, at full size too", async () => {
    const state = new Uint8Array(randomBytes(26_542_080 + 7));
    await new PrefixCache({ directory, ...OF }).write("p", state);
    const kept = await new PrefixCache({ directory, ...OF }).read("p");
    expect(Buffer.compare(kept ?? new Uint8Array(), state)).toBe(0);
  });

  it("belongs to one picture and to everything that made it", async () => {
    await new PrefixCache({ directory, ...OF }).write("p", Uint8Array.of(1));
    const others: readonly Partial<typeof OF>[] = [
      { language: "m" },
      { vision: "w" },
      { runtime: "llama.cpp 2, cpu, f16" },
      { encoder: "onnxruntime 1, cuda" },
      { rounded: false },
      { beginning: "A talk" },
    ];
    for (const other of others) {
      expect(await new PrefixCache({ directory, ...OF, ...other }).read("p")).toBeUndefined();
    }
    expect(await new PrefixCache({ directory, ...OF }).read("q")).toBeUndefined();
    expect(await new PrefixCache({ directory, ...OF }).read("p")).toHaveLength(1);
  });

  it("goes with its language model", async () => {
    for (const language of ["l", "m"]) {
      await new PrefixCache({ directory, ...OF, language }).write("p", Uint8Array.of(1));
    }
    await clearCache(directory, "v");
    expect(await cacheUsage(directory)).toMatchObject({ entries: 2 });
    await clearCache(directory, "l");
    expect(await cacheUsage(directory)).toMatchObject({ entries: 1 });
    expect(await new PrefixCache({ directory, ...OF, language: "m" }).read("p")).toBeDefined();
  });

  it("keeps to its bound", async () => {
    const cache = new PrefixCache({ directory, ...OF, maxBytes: 2500 });
    for (const picture of ["a", "b", "c"]) await cache.write(picture, new Uint8Array(1000));
    expect(await readdir(directory)).toHaveLength(2);
    expect(await cache.read("c")).toHaveLength(1000);
  });
});

describe("the caches' bounds", () => {
  it("are a total's parts", () => {
    for (const total of [0, 1, 2, 1000, DEFAULT_CACHE_BYTES]) {
      const { features, prefixes } = cacheBounds(total);
      expect(features + prefixes).toBe(total);
      expect(features).toBeGreaterThanOrEqual(prefixes);
    }
  });
});
