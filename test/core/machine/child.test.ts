import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askChild } from "../../../src/core/machine/child.ts";

let folder: string;
let module: URL;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-child-"));
  const file = join(folder, "child.mjs");
  const reply = `{ pool: process.env["UV_THREADPOOL_SIZE"], path: process.env["PATH"] }`;
  await writeFile(file, `process.once("message", () => process.send(${reply}, () => process.disconnect()));`);
  module = pathToFileURL(file);
});

afterAll(async () => rm(folder, { recursive: true, force: true }));

describe("a process of our own", () => {
  const ours = { pool: process.env["UV_THREADPOOL_SIZE"], path: process.env["PATH"] };

  it("has our environment", async () => {
    expect((await askChild({ module, request: {} })).reply).toEqual(JSON.parse(JSON.stringify(ours)));
  });

  it("has as many threads in its pool as are asked for", async () => {
    const { reply } = await askChild({ module, request: {}, poolThreads: 7 });
    expect(reply).toEqual({ ...ours, pool: "7" });
  });
});
