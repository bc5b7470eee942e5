import { readdir, readFile, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ByteSink } from "../../../src/core/files/bytes.ts";
import { type Graph, GraphBuilder } from "../../../src/formats/onnx/builder.ts";
import { layOutWeights } from "../../../src/formats/onnx/layout.ts";
import { writeGraph, writeWeights, type WriteProgress } from "../../../src/formats/onnx/write.ts";
import { openSession } from "../../../src/onnxruntime/open.ts";
import { withDirectory } from "./run.ts";

const WIDTH = 600; // 600 * 600 * 4 bytes: a large tensor by the layout's rule

/** y = x W1 + b1, W1 large and b1 small, with `load` observed. */
function graph(load: (name: string, count: number) => Promise<Float32Array>): Graph {
  const g = new GraphBuilder("graph");
  const weight = (name: string, ...shape: number[]) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return g.weight({ name, element: "float32", shape, load: () => load(name, count) });
  };
  const x = g.input("x", "float32", ["N", WIDTH]);
  const bias = weight("bias", WIDTH);
  g.output("y", g.add(g.matmul(x, weight("matrix", WIDTH, WIDTH)), bias), ["N", WIDTH]);
  return g.build();
}

const ones = async (_name: string, count: number): Promise<Float32Array> => new Float32Array(count).fill(1);

const oneTooFew = async (_name: string, count: number): Promise<Float32Array> => new Float32Array(count - 1);

const matrixGone = async (name: string, count: number): Promise<Float32Array> => {
  if (name === "matrix") throw new Error("the shard is gone");
  return new Float32Array(count);
};

describe("writeGraph", () => {
  it("writes two files that onnxruntime reads, and reports progress up to the end", async () => {
    await withDirectory(async (directory) => {
      const progress: WriteProgress[] = [];
      const onProgress = (step: WriteProgress): void => void progress.push(step);
      const metadata = { source: "a test" };
      const files = await writeGraph({ graph: graph(ones), directory, file: "g.onnx", metadata, onProgress });
      expect(files).toEqual({ graph: "g.onnx", data: "g.onnx.data" });
      expect((await readdir(directory)).toSorted()).toEqual(["g.onnx", "g.onnx.data"]);

      const { size } = await stat(join(directory, "g.onnx.data"));
      expect(progress.map(({ written }) => written)).toEqual([4 * WIDTH, size]);
      expect(progress.every(({ total }) => total === size)).toBe(true);
      expect((await readFile(join(directory, "g.onnx"))).includes("a test")).toBe(true);

      const session = await openSession({ path: join(directory, "g.onnx") });
      const data = new Float32Array(2 * WIDTH).fill(0.5);
      const [y] = await session.run({ x: { type: "float32", data, shape: [2, WIDTH] } }, ["y"]);
      await session.dispose();
      expect(y).toEqual(new Float32Array(2 * WIDTH).fill(WIDTH / 2 + 1));
    });
  });

  it("leaves nothing behind when a weight cannot be read", async () => {
    await withDirectory(async (directory) => {
      await expect(writeGraph({ graph: graph(matrixGone), directory, file: "g.onnx" })).rejects.toThrow(
        "the shard is gone",
      );
      expect(await readdir(directory)).toEqual([]);
    });
  });

  it("stops between two weights when aborted, and leaves nothing behind", async () => {
    await withDirectory(async (directory) => {
      const controller = new AbortController();
      const loaded: string[] = [];
      const load = async (name: string, count: number): Promise<Float32Array> => {
        loaded.push(name);
        controller.abort();
        return new Float32Array(count);
      };
      const { signal } = controller;
      await expect(
        writeGraph({ graph: graph(load), directory, file: "g.onnx", signal }),
      ).rejects.toMatchObject({
        code: "interrupted",
      });
      expect(loaded).toEqual(["bias"]);
      expect(await readdir(directory)).toEqual([]);
    });
  });

  it("refuses a weight of another size than its shape says", async () => {
    await withDirectory(async (directory) => {
      await expect(writeGraph({ graph: graph(oneTooFew), directory, file: "g.onnx" })).rejects.toMatchObject({
        code: "internal",
        message: `bias gave ${4 * WIDTH - 4} bytes where its shape needs ${4 * WIDTH}`,
      });
    });
  });

  it("names the file when the folder is not there", async () => {
    await expect(
      writeGraph({ graph: graph(ones), directory: "/nonexistent/folder", file: "g.onnx" }),
    ).rejects.toMatchObject({ code: "disk", message: expect.stringContaining("g.onnx.data") });
  });

  it("is refused by onnxruntime when the data file is cut short", async () => {
    await withDirectory(async (directory) => {
      await writeGraph({ graph: graph(ones), directory, file: "g.onnx" });
      await truncate(join(directory, "g.onnx.data"), 1000);
      await expect(openSession({ path: join(directory, "g.onnx") })).rejects.toMatchObject({
        code: "model-invalid",
      });
    });
  });
});

describe("writeWeights", () => {
  it("holds one weight at a time and pads with zeros", async () => {
    const events: string[] = [];
    const pieces: Uint8Array[] = [];
    const sink: ByteSink = {
      name: "sink",
      get position() {
        return pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
      },
      async write(bytes) {
        events.push(`write ${bytes.byteLength}`);
        pieces.push(bytes.slice());
      },
    };
    const weights = ["a", "b"].map((name) => ({
      name,
      element: "float32" as const,
      shape: [2],
      load: async () => {
        events.push(`load ${name}`);
        return new Float32Array([1, 2]);
      },
    }));
    await writeWeights(layOutWeights(weights), sink);
    expect(events).toEqual(["load a", "write 8", "load b", "write 56", "write 8"]);
    const all = Buffer.concat(pieces);
    expect([0, 4, 8, 60, 64, 68].map((offset) => all.readFloatLE(offset))).toEqual([1, 2, 0, 0, 1, 2]);
  });
});
