import { describe, expect, it } from "vitest";
import { FlashSlothError } from "../../../src/core/errors.ts";
import type { Job } from "../../../src/pipeline/job.ts";
import { isIn, partOf, shardJobs } from "../../../src/pipeline/sources/shard.ts";

const NAMES = Array.from({ length: 5000 }, (_, index) => `2026/${index % 37}/IMG_${index}.jpg`);

function job(label: string, name?: string): Job {
  return { label, name, input: label, questions: [{ text: "q" }] };
}

async function* source(jobs: readonly Job[]): AsyncGenerator<Job, void, void> {
  for (const each of jobs) yield await Promise.resolve(each);
}

async function labels(jobs: readonly Job[], part: number, of: number): Promise<string[]> {
  const found: string[] = [];
  for await (const { label } of shardJobs(source(jobs), { part, of })) found.push(label);
  return found;
}

async function everyPart(jobs: readonly Job[], of: number): Promise<string[][]> {
  return await Promise.all(Array.from({ length: of }, async (_, index) => labels(jobs, index + 1, of)));
}

describe("parts of 5,000 pictures", () => {
  it("have every picture in exactly one of seven, each about a seventh, in the order given", async () => {
    const parts = await everyPart(
      NAMES.map((name) => job(name)),
      7,
    );
    expect(parts.flat().sort()).toEqual([...NAMES].sort());
    for (const part of parts) {
      expect(part.length).toBeGreaterThan(5000 / 7 / 1.2);
      expect(part.length).toBeLessThan((5000 / 7) * 1.2);
      const names = new Set(part);
      expect(part).toEqual(NAMES.filter((name) => names.has(name)));
    }
  });

  it("keep what they have when 100 pictures are added anywhere", async () => {
    const added = Array.from({ length: 100 }, (_, index) => `2025/new ${index}.png`);
    const isNew = new Set(added);
    const before = await everyPart(
      NAMES.map((name) => job(name)),
      7,
    );
    const after = await everyPart(
      [...added.slice(0, 50), ...NAMES, ...added.slice(50)].map((name) => job(name)),
      7,
    );
    expect(after.map((part) => part.filter((name) => !isNew.has(name)))).toEqual(before);
    expect(after.flat()).toHaveLength(5100);
  });

  it("are the same wherever the folder lies, and however a name is written", async () => {
    const here = await everyPart(
      NAMES.map((name) => job(`/data/${name}`, name)),
      7,
    );
    const there = await everyPart(
      NAMES.map((name) => job(`photos/${name}`, name)),
      7,
    );
    expect(there.map((part) => part.map((label) => label.replace("photos/", "/data/")))).toEqual(here);
    expect(partOf("./a//b.png", 1000)).toBe(partOf("a/b.png", 1000));
    expect(partOf("a/../b.png", 1000)).toBe(partOf("b.png", 1000));
  });

  it("are one where there is one", async () => {
    expect(await labels([job("a"), job("b")], 1, 1)).toEqual(["a", "b"]);
  });
});

describe("a part", () => {
  it("of a name never changes from one version to the next", () => {
    expect(["a.png", "b.png", "sub/ü.jpg", "日本.heic"].map((name) => partOf(name, 100))).toEqual([
      /* sha256, its first 48 bits, the remainder and one */
      84, 15, 63, 50,
    ]);
    expect(isIn({ part: partOf("a.png", 9), of: 9 }, "a.png")).toBe(true);
  });

  it("has the failures of its pictures, and of whole folders each part has them", async () => {
    const error = new FlashSlothError("image-not-found", "not there");
    const failures: Job[] = [
      { label: "/data", error, everything: true, questions: [] },
      { label: "/data/a.png", name: "a.png", error, questions: [] },
    ];
    const parts = await everyPart(failures, 4);
    expect(parts.filter((part) => part.includes("/data"))).toHaveLength(4);
    expect(parts.flat().filter((label) => label === "/data/a.png")).toHaveLength(1);
  });
});
