import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GraphBuilder } from "../../src/formats/onnx/builder.ts";
import { writeGraph } from "../../src/formats/onnx/write.ts";
import { openSession } from "../../src/onnxruntime/open.ts";

const WIDTH = 4096;
/** of the one weight */
const WEIGHT_BYTES = 4 * WIDTH * WIDTH;

let directory: string;
let path: string;

const loadOnes = async (): Promise<Float32Array> => new Float32Array(WIDTH * WIDTH).fill(1);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "flashsloth-memory-"));
  path = join(directory, "large.onnx");
  const g = new GraphBuilder("large");
  const shape = [WIDTH, WIDTH];
  const w = g.weight({ name: "w", element: "float32", shape, load: loadOnes });
  g.output("y", g.matmul(g.input("x", "float32", ["N", WIDTH]), w), ["N", WIDTH]);
  await writeGraph({ graph: g.build(), directory, file: "large.onnx" });
  // the library itself comes first, so that it is not counted below
  await (await openSession({ path, threads: 1 })).dispose();
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

/** How much the process grows, in bytes, while a session is opened and held. */
async function growth(prepack: boolean): Promise<number> {
  const before = process.memoryUsage.rss();
  const session = await openSession({ path, threads: 1, prepack });
  const after = process.memoryUsage.rss();
  await session.dispose();
  return after - before;
}

describe("opening a graph", () => {
  it("maps its weights instead of reading them, unless they are to be repacked", async () => {
    expect(await growth(false)).toBeLessThan(WEIGHT_BYTES / 4);
    expect(await growth(true)).toBeGreaterThan(WEIGHT_BYTES / 2);
  });
});

describe("a session that has finished a run", () => {
  it("leaves the processor alone", async () => {
    const session = await openSession({ path, threads: 2 });
    const x = { type: "float32", data: new Float32Array(64 * WIDTH).fill(1), shape: [64, WIDTH] } as const;
    await session.run({ x }, ["y"]);
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const { user, system } = process.cpuUsage(before);
    await session.dispose();
    expect((user + system) / 1000).toBeLessThan(30);
  });
});
