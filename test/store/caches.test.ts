import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { FeatureCache } from "../../src/caches/features.ts";
import { languageKey, visionKey } from "../../src/caches/keys.ts";
import { PrefixCache } from "../../src/caches/prefixes.ts";
import { PromptCache } from "../../src/caches/prompts.ts";
import { VerdictCache } from "../../src/caches/verdicts.ts";
import { readManifest } from "../../src/core/model/manifest.ts";
import { cachesUsage, clearCaches } from "../../src/store/caches.ts";
import { storePaths, type StorePaths } from "../../src/store/home.ts";
import { removeModel } from "../../src/store/remove.ts";
import { resolveModel } from "../../src/store/resolve.ts";
import { fakeConverter } from "./fake-converter.ts";
import { scratch } from "./scratch.ts";

let paths: StorePaths;
beforeEach(async () => {
  paths = storePaths(await scratch());
});

/** Keeps one thing of each kind for a model. */
async function keep(language: string, vision: string): Promise<void> {
  const runtime = "r";
  const prompts = new PromptCache({ directory: paths.prompts, model: language, runtime, beginning: "" });
  prompts.write(Uint8Array.of(1));
  await prompts.written;
  const values = Float32Array.of(1);
  const features = new FeatureCache({ directory: paths.features, model: vision, runtime });
  await features.write("p", { features: values, visualTokens: values });
  const of = { language, vision, runtime, encoder: "e", rounded: true, beginning: "" };
  await new PrefixCache({ directory: paths.prefixes, ...of }).write("p", Uint8Array.of(1));
  const key = { model: language, side: "language", device: "vulkan", releases: [], drivers: [] } as const;
  await new VerdictCache(paths.verdicts).write(key, { verdict: "sound", reason: "", at: 0 });
}

async function entries(): Promise<number[]> {
  return [...(await cachesUsage(paths)).values()].map((usage) => usage.entries);
}

describe("what is kept for models", () => {
  it("goes with its model and no other", async () => {
    const { directory } = await resolveModel({ model: "demo", paths, convert: fakeConverter() });
    const manifest = await readManifest(directory);
    await keep(languageKey(manifest) ?? "", visionKey(manifest) ?? "");
    await keep("another", "another's vision");
    expect(await entries()).toEqual([2, 2, 2, 2]);
    await removeModel({ model: "demo", paths });
    expect(await entries()).toEqual([1, 1, 1, 1]);
  });

  it("is counted, and cleared at once", async () => {
    expect(await entries()).toEqual([0, 0, 0, 0]);
    await keep("l", "v");
    const usage = await cachesUsage(paths);
    expect([...usage.keys()]).toEqual(["prompts", "features", "prefixes", "verdicts"]);
    for (const [name, { bytes }] of usage) {
      const [file = ""] = await readdir(paths[name]);
      expect(bytes).toBe((await stat(join(paths[name], file))).size);
    }
    await clearCaches(paths);
    expect(await entries()).toEqual([0, 0, 0, 0]);
  });
});

describe("the folder that prompts were kept in before", () => {
  let old: string;
  beforeEach(async () => {
    old = join(paths.home, "prompts");
    await mkdir(old, { recursive: true });
    await writeFile(join(old, "0123456789abcdef-0123456789abcdef.kv"), "state");
  });

  it("goes with any model, or with the caches", async () => {
    await resolveModel({ model: "demo", paths, convert: fakeConverter() });
    await removeModel({ model: "demo", paths });
    expect(await readdir(paths.home)).not.toContain("prompts");
    await mkdir(old);
    await clearCaches(paths);
    expect(await readdir(paths.home)).not.toContain("prompts");
  });

  it("is left with what is not ours", async () => {
    await writeFile(join(old, "portrait.txt"), "a sloth in the rain");
    await clearCaches(paths);
    expect(await readdir(old)).toEqual(["portrait.txt"]);
  });
});
