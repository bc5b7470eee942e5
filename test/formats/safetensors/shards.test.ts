import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DiskFolder } from "../../../src/core/files/folder-files.ts";
import { openTensorFiles } from "../../../src/formats/safetensors/shards.ts";
import { entry, fileBytes } from "./build.ts";

const FIRST = "model-00001-of-00002.safetensors";
const SECOND = "model-00002-of-00002.safetensors";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "flashsloth-shards-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** A shard of one-byte tensors, each holding `value`. */
async function writeShard(file: string, names: readonly string[], value: number): Promise<void> {
  const header = Object.fromEntries(names.map((name, i) => [name, entry("U8", [1], i, i + 1)]));
  const bytes = fileBytes(JSON.stringify(header), names.length);
  bytes.fill(value, bytes.byteLength - names.length);
  await writeFile(join(directory, file), bytes);
}

async function writeIndex(json: unknown): Promise<void> {
  await writeFile(join(directory, "model.safetensors.index.json"), JSON.stringify(json));
}

const refusal = (): Promise<unknown> =>
  openTensorFiles({ files: new DiskFolder(directory) }).then(
    () => "it opened",
    (error: unknown) => error,
  );

describe("tensor files of a folder", () => {
  it("are one file", async () => {
    await writeShard("model.safetensors", ["a", "b"], 7);
    const files = await openTensorFiles({ files: new DiskFolder(directory) });
    expect([...files.tensors.keys()]).toEqual(["a", "b"]);
    expect([...(await files.read("b"))]).toEqual([7]);
    await expect(files.read("c")).rejects.toThrow('no file holds a tensor "c"');
    await files.close();
    await expect(files.read("b")).rejects.toMatchObject({ code: "checkpoint-invalid" });
  });

  it("are the shards that the index names", async () => {
    await writeShard(FIRST, ["a"], 1);
    await writeShard(SECOND, ["b", "c"], 2);
    await writeIndex({ metadata: { total_size: 3 }, weight_map: { a: FIRST, c: SECOND, b: SECOND } });
    const files = await openTensorFiles({ files: new DiskFolder(directory) });
    expect([...files.tensors.keys()].sort()).toEqual(["a", "b", "c"]);
    expect([...(await files.read("a"))]).toEqual([1]);
    expect([...(await files.read("c"))]).toEqual([2]);
    await files.close();
  });

  it("are refused when there are none", async () => {
    expect(await refusal()).toMatchObject({
      code: "checkpoint-invalid",
      message: `${directory} holds neither model.safetensors nor model.safetensors.index.json`,
    });
  });

  it("are refused when the name is a folder's", async () => {
    await mkdir(join(directory, "model.safetensors"));
    expect(await refusal()).toMatchObject({
      code: "checkpoint-invalid",
      message: expect.stringContaining("not a regular file"),
    });
  });

  it.each([
    [
      "a missing shard",
      { a: FIRST, b: "model-00003-of-00003.safetensors" },
      '"model-00003-of-00003.safetensors" is named by model.safetensors.index.json and missing',
    ],
    ["a path upwards", { a: "../model.safetensors" }, 'tensor "a" is said to be in "../model.safetensors"'],
    ["an absolute path", { a: "/etc/x.safetensors" }, 'said to be in "/etc/x.safetensors"'],
    ["a Windows path", { a: "..\\x.safetensors" }, "no shard's name in this folder"],
    ["a shard that is no string", { a: 3 }, "said to be in number"],
    ["another kind of file", { a: "pytorch_model.bin" }, 'said to be in "pytorch_model.bin"'],
    ["nothing", {}, "weight_map is empty"],
    ["a weight_map that is no object", [], "has no weight_map"],
    [
      "a thousand and one shards",
      Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`t${i}`, `s${i}.safetensors`])),
      "1001 shards, more than the 1000 allowed",
    ],
  ])("are refused when the index names %s", async (_, weightMap, expected) => {
    await writeShard(FIRST, ["a"], 1);
    await writeShard(SECOND, ["b", "c"], 2);
    await writeIndex({ weight_map: weightMap });
    expect(await refusal()).toMatchObject({
      code: "checkpoint-invalid",
      message: expect.stringContaining(expected),
    });
  });

  it("are what the shards hold, whatever else the index lists", async () => {
    await writeShard(FIRST, ["a"], 1);
    await writeShard(SECOND, ["b", "c"], 2);
    await writeIndex({ weight_map: { a: FIRST, b: FIRST, d: SECOND, e: FIRST } });
    const files = await openTensorFiles({ files: new DiskFolder(directory) });
    expect([...files.tensors.keys()]).toEqual(["a", "b", "c"]);
    expect(files.files).toEqual([
      { name: FIRST, size: expect.any(Number), tensors: 1 },
      { name: SECOND, size: expect.any(Number), tensors: 2 },
    ]);
    expect(files.remarks).toEqual([
      '"c" is in a shard and not in model.safetensors.index.json',
      '"d" and 1 more tensors are in model.safetensors.index.json and in no shard',
    ]);
    await files.close();
  });

  it.each([FIRST, SECOND])(
    "of which two hold a tensor are the one that the index names: %s",
    async (named) => {
      await writeShard(FIRST, ["a", "b"], 1);
      await writeShard(SECOND, ["b", "c"], 2);
      await writeIndex({ weight_map: { a: FIRST, b: named, c: SECOND } });
      const files = await openTensorFiles({ files: new DiskFolder(directory) });
      expect([...(await files.read("b"))]).toEqual([named === FIRST ? 1 : 2]);
      expect(files.remarks).toEqual([expect.stringContaining('"b" is in more than one shard')]);
      await files.close();
    },
  );

  it("are refused when two shards hold a tensor and nothing says which counts", async () => {
    await writeShard(FIRST, ["a", "b"], 1);
    await writeShard(SECOND, ["b"], 2);
    expect(await refusal()).toMatchObject({
      code: "checkpoint-invalid",
      message: expect.stringMatching(/tensor "b" is here and in .*00001-of-00002.safetensors too/),
    });
  });

  it("may lack an index, if they are all there", async () => {
    await writeShard(FIRST, ["a"], 1);
    await writeShard(SECOND, ["b"], 2);
    const files = await openTensorFiles({ files: new DiskFolder(directory) });
    expect([...files.tensors.keys()]).toEqual(["a", "b"]);
    expect(files.remarks).toEqual(["no model.safetensors.index.json: all 2 shards are read"]);
    await files.close();
    await rm(join(directory, FIRST));
    expect(await refusal()).toMatchObject({
      code: "checkpoint-invalid",
      message: `${directory}: shard 1 of 2 is missing`,
    });
  });

  it("are refused when the index is not JSON", async () => {
    await writeFile(join(directory, "model.safetensors.index.json"), "{");
    expect(await refusal()).toMatchObject({
      code: "checkpoint-invalid",
      message: expect.stringContaining("model.safetensors.index.json: not JSON"),
    });
  });
});
