import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { GraphBuilder } from "../../src/formats/onnx/builder.ts";
import { writeGraph } from "../../src/formats/onnx/write.ts";
import { openSession } from "../../src/onnxruntime/open.ts";

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
  it("runs on the CPU", async () => {
    const session = await openSession({ path, threads: 1 });
    expect(session.provider).toBe("cpu");
    expect(await session.run(vector(1, 2.5), ["y"])).toEqual([new Float32Array([2, 5])]);
    await session.dispose();
  });

  it("refuses a provider that this system cannot have, and says what to do", async () => {
    const provider = process.platform === "darwin" ? "cuda" : "coreml";
    await expect(openSession({ path, provider })).rejects.toMatchObject({
      code: "device",
      message: expect.stringMatching(`^${provider} does not work for onnxruntime here: onnxruntime has no`),
      hint: expect.stringContaining("--vision-device"),
    });
  });

  it("takes the blame off the provider when the file is missing", async () => {
    for (const provider of ["cuda", "webgpu", "cpu"] as const) {
      await expect(openSession({ path: join(directory, "none.onnx"), provider })).rejects.toMatchObject({
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
    const session = await openSession({ path });
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
    const session = await openSession({ path });
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
    await expect(open({ path })).rejects.toMatchObject({
      name: "FlashSlothError",
      code: "native",
      message: expect.stringContaining("onnxruntime does not load"),
      hint: expect.stringContaining("npm install"),
    });
  });
});
