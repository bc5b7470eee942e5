import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FeatureCache } from "../../src/caches/features.ts";
import { PrefixCache } from "../../src/caches/prefixes.ts";
import { PromptCache } from "../../src/caches/prompts.ts";

const FEATURES = Float32Array.from({ length: 600 }, (_, i) => Math.sin(i) * 3);
const STATE = Uint8Array.from({ length: 1500 }, (_, i) => (i * 31) % 251);

interface Cache {
  write(of: number): Promise<void>;
  read(of: number): Promise<unknown>;
}

const caches: Readonly<Record<string, (directory: string) => Cache>> = {
  features: (directory) => {
    const cache = new FeatureCache({ directory, model: "m", runtime: "cpu" });
    return {
      write: async (of) =>
        cache.write(`p${of}`, { features: FEATURES.subarray(of), visualTokens: FEATURES.subarray(300) }),
      read: async (of) => cache.read(`p${of}`),
    };
  },
  prefixes: (directory) => {
    const of = { language: "l", vision: "v", runtime: "llama", encoder: "cpu", beginning: "A chat" };
    const cache = new PrefixCache({ directory, ...of, rounded: true });
    return {
      write: async (picture) => cache.write(`p${picture}`, STATE.subarray(picture)),
      read: async (picture) => cache.read(`p${picture}`),
    };
  },
  prompts: (directory) => {
    const open = (of: number): PromptCache =>
      new PromptCache({ directory, model: `m${of}`, runtime: "llama", beginning: "A chat" });
    return {
      write: async (of) => {
        const cache = open(of);
        cache.write(STATE.subarray(of));
        await cache.written;
      },
      read: async (of) => open(of).read(),
    };
  },
};

/** Numbers in [0, 1) that are the same at each run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "flashsloth-damage-"));
});
afterEach(async () => rm(directory, { recursive: true }));

describe.each(Object.entries(caches))("damaged %s", (_, open) => {
  it("count as missing and go, whichever bits or lengths are wrong", async () => {
    const cache = open(directory);
    await cache.write(1);
    const sound = await cache.read(1);
    expect(sound).toBeDefined();
    const [name = ""] = await readdir(directory);
    const path = join(directory, name);
    const whole = await readFile(path);
    const random = seeded(42);
    const below = (limit: number): number => Math.floor(random() * limit);
    const flip = (at: number): Buffer => {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << below(8));
      return damaged;
    };
    const damages = [
      ...[0, 1, 31, 32, 33, 40, whole.length - 1].map((length) => whole.subarray(0, length)),
      ...Array.from({ length: 60 }, () => whole.subarray(0, below(whole.length))),
      ...Array.from({ length: 48 }, (__, at) => flip(at)),
      ...Array.from({ length: 200 }, () => flip(below(whole.length))),
      Buffer.concat([whole, Buffer.alloc(1)]),
      Buffer.concat([whole, whole]),
      Buffer.alloc(whole.length),
    ];
    for (const [nth, damaged] of damages.entries()) {
      await writeFile(path, damaged);
      expect(await cache.read(1), `damage ${nth}`).toBeUndefined();
      expect(await readdir(directory), `damage ${nth}`).toEqual([]);
    }
    await writeFile(path, whole);
    expect(await cache.read(1)).toEqual(sound);
  });

  it("are not taken for others that are sound", async () => {
    const cache = open(directory);
    await cache.write(1);
    const [first = ""] = await readdir(directory);
    await cache.write(2);
    const second = (await readdir(directory)).find((name) => name !== first) ?? "";
    const { size } = await stat(join(directory, first));
    await copyFile(join(directory, second), join(directory, first));
    expect((await stat(join(directory, first))).size).toBeLessThan(size);
    expect(await cache.read(1)).toBeUndefined();
    expect(await cache.read(2)).toBeDefined();
    expect(await readdir(directory)).toEqual([second]);
  });
});
