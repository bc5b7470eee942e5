import { readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { copyTower, type CopyTowerOptions } from "../../src/checkpoint/copy-tower.ts";
import { openTowerAt, type Tower } from "../../src/checkpoint/tower.ts";
import { scratch } from "../store/scratch.ts";
import { DemoCopy } from "./demo-copy.ts";

const PREFIX = "model.vision_tower.vision_tower.";

let folder: string;
let tower: Tower & { readonly reads: string[] };
let names: string[];

beforeEach(async () => {
  folder = await scratch();
  await using checkpoint = await DemoCopy.create();
  await checkpoint.moveTensors("siglip.safetensors", (name) =>
    name.startsWith(PREFIX) ? name.slice(PREFIX.length) : undefined,
  );
  await writeFile(`${folder}/siglip.safetensors`, await readFile(checkpoint.path("siglip.safetensors")));
  const opened = await openTowerAt(`${folder}/siglip.safetensors`);
  onTestFinished(async () => opened.close());
  const reads: string[] = [];
  const read = async (name: string): Promise<Uint8Array> => {
    reads.push(name);
    return opened.read(name);
  };
  tower = { ...opened, read, reads };
  names = [...tower.tensors.keys()].filter((name) => !name.includes("layers.3."));
});

async function copy(options: Partial<CopyTowerOptions> = {}): Promise<void> {
  await copyTower({ tower, names, path: `${folder}/tower.safetensors`, durableBytes: 1, ...options });
}

/** Every tensor of the copy is there, with its bytes. */
async function expectWhole(): Promise<void> {
  const copied = await openTowerAt(`${folder}/tower.safetensors`);
  expect([...copied.tensors.keys()].sort()).toEqual(names.toSorted());
  for (const name of names) {
    expect(Buffer.compare(await copied.read(name), await tower.read(name)), name).toBe(0);
  }
  await copied.close();
  expect(await readdir(folder)).toEqual(["siglip.safetensors", "tower.safetensors"]);
}

/** Stops when so many tensors were read. */
async function stopAfter(count: number): Promise<void> {
  const stop = new AbortController();
  const stopping: Tower = {
    ...tower,
    read: async (name) => {
      if (tower.reads.length === count) stop.abort();
      return tower.read(name);
    },
  };
  await expect(copy({ tower: stopping, signal: stop.signal })).rejects.toThrow("aborted");
}

describe("a copy of a vision tower", () => {
  it("holds what was asked for, in the order in which it lies, and appears when it is whole", async () => {
    const done: number[] = [];
    await copy({ onBytes: (bytes) => done.push(bytes) });
    const order = tower.reads.map((name) => tower.tensors.get(name)?.offset ?? -1);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    await expectWhole();
  });

  it("goes on behind the tensors that were safe on the disk", async () => {
    await stopAfter(20);
    expect(await readdir(folder)).toEqual([
      "siglip.safetensors",
      "tower.safetensors.part",
      "tower.safetensors.part.json",
    ]);
    const before = new Set(tower.reads);
    tower.reads.length = 0;
    await copy();
    expect(tower.reads.length).toBe(names.length - before.size);
    expect(tower.reads.some((name) => before.has(name))).toBe(false);
    await expectWhole();
  });

  it.each<[string, () => Promise<unknown>]>([
    ["the record is damaged", async () => writeFile(`${folder}/tower.safetensors.part.json`, "{")],
    [
      "the file is shorter than the record says",
      async () => truncate(`${folder}/tower.safetensors.part`, 5000),
    ],
    ["the file is gone", async () => rm(`${folder}/tower.safetensors.part`)],
    ["other tensors are wanted", async () => names.pop()],
  ])("begins anew when %s", async (_, damage) => {
    await stopAfter(20);
    await damage();
    tower.reads.length = 0;
    await copy();
    expect(tower.reads.length).toBe(names.length);
    await expectWhole();
  });
});
