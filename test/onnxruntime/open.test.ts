import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { GraphBuilder } from "../../src/formats/onnx/builder.ts";
import { writeGraph } from "../../src/formats/onnx/write.ts";
import { openSession } from "../../src/onnxruntime/open.ts";
import { providersFor } from "../../src/onnxruntime/provider.ts";

let directory: string;
let path: string;

const loadTwo = async (): Promise<Float32Array> => new Float32Array([2]);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "flashsloth-session-"));
  path = join(directory, "double.onnx");
  const g = new GraphBuilder("double");
  const two = g.weight({ name: "two", element: "float32", shape: [1], load: loadTwo });
  g.output("y", g.mul(g.input("x", "float32", ["N"]), two), ["N"]);
  await writeGraph({ graph: g.build(), directory, file: "double.onnx" });
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

function vector(...values: number[]): {
  x: { type: "float32"; data: Float32Array; shape: number[] };
} {
  return { x: { type: "float32", data: new Float32Array(values), shape: [values.length] } };
}

describe("openSession", () => {
  it("runs on the CPU without a note", async () => {
    const session = await openSession({ path, device: "cpu", threads: 1 });
    expect(session.provider).toBe("cpu");
    expect(session.notes).toEqual([]);
    expect(await session.run(vector(1, 2.5), ["y"])).toEqual([new Float32Array([2, 5])]);
    await session.dispose();
  });

  it("finds something that works for auto, with a note for each device before it", async () => {
    const session = await openSession({ path });
    const tried = providersFor({ device: "auto", platform: process.platform, fixedShapes: false });
    expect(tried).toContain(session.provider);
    expect(session.notes).toHaveLength(tried.indexOf(session.provider));
    for (const [i, note] of session.notes.entries()) {
      expect(note).toMatch(new RegExp(`^onnxruntime does not use ${tried[i]}: \\S.*$`));
    }
    expect(await session.run(vector(4), ["y"])).toEqual([new Float32Array([8])]);
    await session.dispose();
  });

  it("refuses a device that this system cannot have, and says what to do", async () => {
    const device = process.platform === "darwin" ? "cuda" : "metal";
    await expect(openSession({ path, device })).rejects.toMatchObject({
      code: "device",
      message: expect.stringMatching(`^${device} does not work for onnxruntime here: onnxruntime has no`),
      hint: expect.stringContaining("--device cpu"),
    });
  });

  it("takes the blame off the device when the file is missing", async () => {
    for (const device of ["auto", "cuda", "cpu"] as const) {
      await expect(openSession({ path: join(directory, "none.onnx"), device })).rejects.toMatchObject({
        code: "model-invalid",
        message: expect.stringContaining("none.onnx cannot be read"),
      });
    }
  });

  it("refuses a file that is no graph", async () => {
    const text = join(directory, "text.onnx");
    await writeFile(text, "not a graph");
    await expect(openSession({ path: text })).rejects.toMatchObject({
      code: "model-invalid",
      message: expect.stringContaining("text.onnx cannot be loaded"),
    });
  });
});

describe("OnnxSession", () => {
  it("closes twice, and only once it is idle", async () => {
    const session = await openSession({ path, device: "cpu" });
    const running = session.run(vector(3), ["y"]);
    await Promise.all([session.dispose(), session.dispose()]);
    expect(await running).toEqual([new Float32Array([6])]);
    await session.dispose();
    await expect(session.run(vector(3), ["y"])).rejects.toMatchObject({
      code: "internal",
      message: expect.stringContaining("after it was closed"),
    });
  });

  it("reports what onnxruntime says about a wrong input, and works on", async () => {
    const session = await openSession({ path, device: "cpu" });
    const wrong = { x: { type: "float32", data: new Float32Array(4), shape: [2, 2] } } as const;
    await expect(session.run(wrong, ["y"])).rejects.toMatchObject({ code: "native" });
    await expect(session.run(vector(1), ["z"])).rejects.toMatchObject({ code: "native" });
    expect(await session.run(vector(1), ["y"])).toEqual([new Float32Array([2])]);
    await session.dispose();
  });
});

function refuse(): never {
  throw new Error("libonnxruntime.so.1: cannot open shared object file");
}

describe("without a library for this system", () => {
  afterEach(() => {
    vi.doUnmock("node:module");
    vi.resetModules();
  });

  it("says so under the code `native`", async () => {
    vi.resetModules();
    vi.doMock("node:module", () => ({ createRequire: () => refuse }));
    const { openSession: open } = await import("../../src/onnxruntime/open.ts");
    await expect(open({ path, device: "cpu" })).rejects.toMatchObject({
      name: "FlashSlothError",
      code: "native",
      message: expect.stringContaining("onnxruntime does not load"),
      hint: expect.stringContaining("npm install"),
    });
  });
});
