import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { DiskCache } from "../../src/caches/disk-cache.ts";
import { cacheFiles, cacheUsage, clearCache, entryName, type CacheKey } from "../../src/caches/entries.ts";
import { onTightDisk } from "../convert/tightDisk.ts";

const DIGEST_BYTES = 32;
const MINUTE = 60_000;

let home: string;
let directory: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "flashsloth-cache-"));
  directory = join(home, "some", "cache");
  return async () => rm(home, { recursive: true });
});

function key(part: string | number, model = "m"): CacheKey {
  return { model, parts: ["test", part] };
}

/** Content of `size` bytes that tells which entry it is of. */
function content(of: number, size = 1000): Uint8Array {
  return new Uint8Array(size).fill(of + 1);
}

function pathOf(part: string | number): string {
  return join(directory, entryName(key(part)));
}

/** As if the entry had last been used so many minutes ago. */
async function age(path: string, minutes: number): Promise<void> {
  const then = new Date(Date.now() - minutes * MINUTE);
  await utimes(path, then, then);
}

describe("a cache on the disk", () => {
  const large = { maxBytes: 2 ** 30 };

  it("gives back what was written, in this process and another one", async () => {
    const cache = new DiskCache({ directory, ...large });
    expect(await cache.read(key(1))).toBeUndefined();
    await cache.write(key(1), [content(1, 3), new Uint8Array(0), content(2, 5)]);
    const expected = Uint8Array.of(2, 2, 2, 3, 3, 3, 3, 3);
    expect(await cache.read(key(1))).toEqual(expected);
    expect(await new DiskCache({ directory, ...large }).read(key(1))).toEqual(expected);
  });

  it("tells keys apart by each of their parts, and by where one ends", async () => {
    const keys: CacheKey[] = [
      { model: "m", parts: ["a", "b"] },
      { model: "n", parts: ["a", "b"] },
      { model: "m", parts: ["ab"] },
      { model: "m", parts: ["a", "b", ""] },
      { model: "m", parts: ["b", "a"] },
      { model: "m", parts: ["1"] },
      { model: "m", parts: [1] },
      { model: "m", parts: [true] },
    ];
    const cache = new DiskCache({ directory, ...large });
    for (const [of, one] of keys.entries()) await cache.write(one, [content(of)]);
    for (const [of, one] of keys.entries()) expect((await cache.read(one))?.[0]).toBe(of + 1);
    expect(await cacheUsage(directory)).toEqual({ entries: 8, bytes: 8 * (1000 + DIGEST_BYTES) });
  });

  it("replaces what was there", async () => {
    const cache = new DiskCache({ directory, ...large });
    await cache.write(key(1), [content(1)]);
    await cache.write(key(1), [content(2, 10)]);
    expect(await cache.read(key(1))).toHaveLength(10);
    expect(await readdir(directory)).toHaveLength(1);
  });

  it("hands out content that any array of numbers can lie on", async () => {
    const cache = new DiskCache({ directory, ...large });
    await cache.write(key(1), [new Uint8Array(Float64Array.of(1.5, 2.5).buffer)]);
    const { buffer, byteOffset = 0 } = (await cache.read(key(1))) ?? {};
    expect(new Float64Array(buffer ?? new ArrayBuffer(0), byteOffset)).toEqual(Float64Array.of(1.5, 2.5));
  });

  it("is read whole while it is written: as it was, or as it will be", async () => {
    const [before, after] = [content(1, 2e7), content(2, 3e7)];
    const cache = new DiskCache({ directory, ...large });
    await cache.write(key(1), [before]);
    const writing = cache.write(key(1), [after]);
    let reads = 0;
    do {
      const found = await new DiskCache({ directory, ...large }).read(key(1));
      expect([before, after].some((whole) => Buffer.compare(whole, found ?? Buffer.of()) === 0)).toBe(true);
      reads++;
    } while (await Promise.race([writing.then(() => false), sleep(0, true)]));
    expect(reads).toBeGreaterThan(1);
    expect(await cache.read(key(1))).toHaveLength(3e7);
  });

  it("writes in the order it was told to, and says when all is done", async () => {
    const cache = new DiskCache({ directory, ...large });
    for (let of = 0; of < 20; of++) void cache.write(key("same"), [content(of, 1000 - of)]);
    await cache.written;
    expect(await cache.read(key("same"))).toEqual(content(19, 981));
    expect(await readdir(directory)).toHaveLength(1);
  });

  it("keeps what is secret from other users", async () => {
    const cache = new DiskCache({ directory, ...large, secret: true });
    await cache.write(key(1), [content(1)]);
    expect((await stat(directory)).mode & 0o077).toBe(0);
    expect((await stat(pathOf(1))).mode & 0o077).toBe(0);
  });
});

describe("the bound of a cache", () => {
  const entry = 1000 + DIGEST_BYTES;

  it("lets out what was used longest ago, read or written", async () => {
    const cache = new DiskCache({ directory, maxBytes: 4.5 * entry });
    for (let of = 0; of < 4; of++) {
      await cache.write(key(of), [content(of)]);
      await age(pathOf(of), 10 - of);
    }
    await cache.read(key(0));
    await cache.write(key(4), [content(4)]);
    await cache.write(key(5), [content(5)]);
    const left = await Promise.all([0, 1, 2, 3, 4, 5].map(async (of) => (await cache.read(key(of)))?.[0]));
    expect(left).toEqual([1, undefined, undefined, 4, 5, 6]);
  });

  it("is never exceeded by one process, whatever the sizes", async () => {
    const maxBytes = 100_000;
    const cache = new DiskCache({ directory, maxBytes });
    let most = 0;
    for (let of = 0; of < 200; of++) {
      await cache.write(key(of), [content(of % 200, 100 + ((of * 7919) % 4000))]);
      most = Math.max(most, (await cacheUsage(directory)).bytes);
      expect(await cache.read(key(of)), `entry ${of}`).toBeDefined();
    }
    expect(most).toBeLessThanOrEqual(maxBytes);
    expect(most).toBeGreaterThan(0.9 * maxBytes);
  });

  it("holds for many processes that write little each", async () => {
    const maxBytes = 100 * entry;
    for (let of = 0; of < 400; of++) {
      await new DiskCache({ directory, maxBytes }).write(key(of), [content(of % 200)]);
    }
    const { bytes } = await cacheUsage(directory);
    // each looks with a chance of 16 in 100: that none of the last hundred did, one in 37 million
    expect(bytes).toBeLessThan(2 * maxBytes);
    expect(bytes).toBeGreaterThan(0.8 * maxBytes);
  });

  it("leaves out what is too large, and everything when it is 0", async () => {
    const cache = new DiskCache({ directory, maxBytes: 4 * entry });
    await cache.write(key(1), [content(1)]);
    await cache.write(key(2), [content(2, 4 * entry)]);
    expect(await cache.read(key(1))).toBeDefined();
    expect(await cache.read(key(2))).toBeUndefined();
    const off = new DiskCache({ directory, maxBytes: 0 });
    await off.write(key(3), [content(3)]);
    expect(await off.read(key(1))).toBeUndefined();
    expect(await cacheUsage(directory)).toEqual({ entries: 1, bytes: entry });
  });
});

describe("what dead processes left of a cache", () => {
  it("is swept, not what a living one writes", async () => {
    const maxBytes = 10_000;
    await mkdir(directory, { recursive: true });
    const [old, young] = ["000000000000", "111111111111"].map((random) => `${pathOf(1)}.${random}.tmp`);
    await writeFile(old ?? "", "a half");
    await writeFile(young ?? "", "a half");
    await age(old ?? "", 11);
    expect(await cacheUsage(directory)).toEqual({ entries: 0, bytes: 12 });
    await new DiskCache({ directory, maxBytes }).write(key(2), [content(2)]);
    expect(new Set((await cacheFiles(directory)).map(({ path }) => path))).toEqual(
      new Set([young, pathOf(2)]),
    );
  });
});

describe("clearing a cache", () => {
  it("takes a model's entries, or all, and touches nothing else", async () => {
    const cache = new DiskCache({ directory, maxBytes: 2 ** 30 });
    for (const model of ["m", "n"])
      for (let of = 0; of < 3; of++) await cache.write(key(of, model), [content(of)]);
    await writeFile(`${pathOf(1)}.000000000000.tmp`, "a half");
    const others = ["notes.txt", "0123456789abcdef.cache", `${entryName(key(1))}.old`];
    for (const name of others) await writeFile(join(directory, name), "");
    await mkdir(join(directory, "folder"));
    await clearCache(directory, "m");
    expect(await cacheUsage(directory)).toEqual({ entries: 3, bytes: 3 * (1000 + DIGEST_BYTES) });
    expect(await cache.read(key(1))).toBeUndefined();
    expect((await cache.read(key(1, "n")))?.[0]).toBe(2);
    await clearCache(directory);
    expect((await readdir(directory)).sort()).toEqual([...others, "folder"].sort());
    await clearCache(join(home, "nowhere"));
    expect(await cacheUsage(join(home, "nowhere"))).toEqual({ entries: 0, bytes: 0 });
  });

  it("says so when it may not", async () => {
    await mkdir(pathOf(1), { recursive: true }); // what no file can be removed as
    await expect(clearCache(directory)).rejects.toMatchObject({ code: "disk" });
  });
});

describe("a cache that cannot be written", () => {
  it("is done without where a file stands in its place", async () => {
    await writeFile(join(home, "some"), "");
    const cache = new DiskCache({ directory, maxBytes: 2 ** 30 });
    await cache.write(key(1), [content(1)]);
    await cache.written;
    expect(await cache.read(key(1))).toBeUndefined();
    expect(await cacheUsage(directory)).toEqual({ entries: 0, bytes: 0 });
  });

  it("is done without where something else has the entry's name", async () => {
    await mkdir(join(pathOf(1), "below"), { recursive: true });
    const cache = new DiskCache({ directory, maxBytes: 2 ** 30 });
    await cache.write(key(1), [content(1)]);
    expect(await cache.read(key(1))).toBeUndefined();
    expect(await readdir(directory)).toEqual([entryName(key(1))]);
  });

  it("keeps what fits on a full disk, nothing by halves", async () => {
    await onTightDisk({ total: 256 * 1024, longest: 100_000 }, async (disk) => {
      const { folder } = disk;
      const cache = new DiskCache({ directory: folder, maxBytes: 2 ** 30 });
      await cache.write(key(1), [content(1, 80_000)]);
      await cache.write(key(2), [content(2, 300_000)]);
      expect(await readdir(folder)).toEqual([entryName(key(1))]);
      expect((await cache.read(key(1)))?.[0]).toBe(2);
      expect(await cache.read(key(2))).toBeUndefined();
      disk.relax();
      await cache.write(key(2), [content(2, 300_000)]);
      expect(await cache.read(key(2))).toHaveLength(300_000);
    });
  });

  it("leaves the disk the space it was told to", async () => {
    const greedy = new DiskCache({ directory, maxBytes: 2 ** 30, keepFree: Number.MAX_SAFE_INTEGER });
    await greedy.write(key(1), [content(1)]);
    expect(await cacheUsage(directory)).toEqual({ entries: 0, bytes: 0 });
    await new DiskCache({ directory, maxBytes: 2 ** 30, keepFree: 1 }).write(key(1), [content(1)]);
    expect(await cacheUsage(directory)).toMatchObject({ entries: 1 });
  });

  it("is used up to its bound when a clock runs backwards", async () => {
    const cache = new DiskCache({ directory, maxBytes: 3000 });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 1e9 });
    await cache.write(key(1), [content(1)]);
    await cache.read(key(1));
    vi.useRealTimers();
    await cache.write(key(2), [content(2)]);
    await cache.write(key(3), [content(3)]);
    expect((await cacheUsage(directory)).bytes).toBeLessThanOrEqual(3000);
    expect(await cache.read(key(3))).toBeDefined();
  });
});
