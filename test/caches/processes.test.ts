import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "rolldown";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DiskCache } from "../../src/caches/disk-cache.ts";
import { cacheUsage, entryName } from "../../src/caches/entries.ts";
import { entryValue, HAMMER_KEYS, HAMMERED_BYTES } from "./entry-value.ts";

const LARGEST = 58_000;
const KEYS = Array.from({ length: HAMMER_KEYS }, (_, part) => ({ model: "m", parts: [part] }));
const NAMES = new Set(KEYS.map(entryName));

let program: string;
let directory: string;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "flashsloth-hammer-"));
  program = join(folder, "hammer.mjs");
  const input = join(import.meta.dirname, "hammer.ts");
  await build({ input, platform: "node", logLevel: "silent", output: { file: program } });
});
afterAll(async () => rm(join(program, ".."), { recursive: true }));
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "flashsloth-hammered-"));
  return async () => rm(directory, { recursive: true });
});

function start(seed: number, rounds: number, ...manner: string[]): ChildProcess {
  const words = [program, directory, String(seed), String(rounds), ...manner];
  return spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
}

/** How often a process found an entry; undefined when it found a wrong one. */
async function hitsOf(child: ChildProcess): Promise<number | undefined> {
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (output += text));
  const [status] = (await once(child, "close")) as [number | null];
  return status === 0 ? Number(output) : undefined;
}

/** Every entry that is left is right, and nothing else is there. */
async function expectSound(): Promise<void> {
  expect((await readdir(directory)).filter((name) => !NAMES.has(name))).toEqual([]);
  const cache = new DiskCache({ directory, maxBytes: HAMMERED_BYTES });
  for (const [part, key] of KEYS.entries()) {
    const found = await cache.read(key);
    if (found !== undefined) expect(Buffer.compare(found, entryValue(part))).toBe(0);
  }
}

describe("a folder that several processes use", () => {
  it("never gives a wrong value, keeps to its bound, and holds nothing but entries", async () => {
    const children = [1, 2, 3, 4].map(async (seed) => hitsOf(start(seed, 400)));
    const all = Promise.all(children);
    let most = 0;
    let hits: readonly (number | undefined)[] | undefined;
    while (hits === undefined) {
      most = Math.max(most, (await cacheUsage(directory)).bytes);
      hits = await Promise.race([all, sleep(5, undefined)]);
    }
    for (const of of hits) expect(of).toBeGreaterThan(50);
    // each process may have one entry more under way than the others know of
    expect(most).toBeLessThan(HAMMERED_BYTES + 4 * LARGEST);
    expect(most).toBeGreaterThan(0.8 * HAMMERED_BYTES);
    await expectSound();
  });

  it("never gives a wrong value where files are damaged meanwhile", async () => {
    const hits = await Promise.all([5, 6, 7].map(async (seed) => hitsOf(start(seed, 300, "vandal"))));
    for (const of of hits) expect(of).toBeGreaterThan(20);
    await expectSound();
  });

  it("is sound after kills, and free of leftovers some time later", async () => {
    for (let kill = 0; kill < 6; kill++) {
      const children = [kill, kill + 100].map((seed) => start(seed, 1e6));
      await Promise.all(children.map(async ({ stdout }) => stdout && once(stdout, "data")));
      await sleep(kill * 10);
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(children.map(async (child) => once(child, "close")));
    }
    expect((await readdir(directory)).length).toBeGreaterThan(0);
    const long = new Date(Date.now() - 3_600_000);
    for (const name of await readdir(directory)) await utimes(join(directory, name), long, long);
    // large enough to have the folder looked at
    const value = entryValue(3);
    expect(value.length).toBeGreaterThan(HAMMERED_BYTES / 16);
    const cache = new DiskCache({ directory, maxBytes: HAMMERED_BYTES });
    await cache.write({ model: "m", parts: [3] }, [value]);
    await expectSound();
  });
});
