import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../../src/checkpoint/open.ts";
import type { Checkpoint } from "../../../src/checkpoint/types.ts";
import { calibrate } from "../../../src/convert/mixed/calibrate.ts";
import { type MixedGraph, writeMixedGraph } from "../../../src/convert/mixed/write.ts";
import type { MatrixWeights } from "../../../src/convert/onnx/layers.ts";
import { writeVisionGraph } from "../../../src/convert/onnx/write.ts";
import { openSession } from "../../../src/onnxruntime/open.ts";
import { writeSyntheticCheckpoint } from "../../synthetic/checkpoint.ts";
import { PUBLISHED_SIZES } from "../../synthetic/shapes.ts";
import { relativeError } from "../../vision/error.ts";

const SIZES = {
  ...PUBLISHED_SIZES,
  hiddenSize: 64,
  intermediateSize: 128,
  layers: 9,
  heads: 4,
  vision: { hiddenSize: 256, intermediateSize: 512, layers: 4, heads: 4, imageSize: 126, patchSize: 14 },
};

let folder: string;
const checkpoints: Record<"plain" | "planted", Checkpoint | undefined> = {
  plain: undefined,
  planted: undefined,
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-mixed-"));
  for (const [name, outliers] of [
    ["plain", false],
    ["planted", true],
  ] as const) {
    const directory = join(folder, name);
    await writeSyntheticCheckpoint({ directory, sizes: SIZES, outliers });
    checkpoints[name] = await openCheckpoint({ directory });
  }
});

afterAll(async () => {
  for (const checkpoint of Object.values(checkpoints)) await checkpoint?.close();
  await rm(folder, { recursive: true, force: true });
});

function opened(name: "plain" | "planted"): Checkpoint {
  const checkpoint = checkpoints[name];
  if (checkpoint === undefined) throw new Error(`${name} was not written`);
  return checkpoint;
}

/** A picture that no calibration has seen. */
function unseen(seed: number): Uint8Array {
  const side = SIZES.vision.imageSize;
  return Uint8Array.from({ length: side * side * 3 }, (_, at) => {
    const [x, y] = [Math.floor(at / 3) % side, Math.floor(at / 3 / side)];
    return (
      128 +
      100 * Math.sin((x * (seed + 1)) / 40 + at) * Math.cos((y * seed) / 30) +
      (Math.imul(at, 2_654_435_761) >>> 28)
    );
  });
}

/** features of an unseen picture by a graph that was written */
async function features(directory: string, seed: number): Promise<Float32Array> {
  const side = SIZES.vision.imageSize;
  const session = await openSession({ path: join(directory, "vision.onnx"), threads: 1 });
  try {
    const pixels = { type: "uint8", data: unseen(seed), shape: [1, side, side, 3] } as const;
    const [out] = await session.run({ pixels }, ["features"]);
    return out ?? new Float32Array();
  } finally {
    await session.dispose();
  }
}

/** The largest error of `weights` on unseen pictures. */
async function errorOf(checkpoint: Checkpoint, weights: MatrixWeights): Promise<number> {
  const directory = await mkdtemp(join(folder, "error-"));
  const exact = await mkdtemp(join(folder, "exact-"));
  await writeVisionGraph({ checkpoint, directory, weights });
  await writeVisionGraph({ checkpoint, directory: exact });
  const errors: number[] = [];
  for (const seed of [1, 2, 3]) {
    errors.push(relativeError(await features(directory, seed), await features(exact, seed)));
  }
  return Math.max(...errors);
}

async function mixed(checkpoint: Checkpoint, budget: number): Promise<MixedGraph> {
  const directory = await mkdtemp(join(folder, "mixed-"));
  const graph = await writeMixedGraph({ checkpoint, directory, file: "vision.onnx", budget });
  expect(await readdir(directory)).toEqual(["vision.onnx", "vision.onnx.data"]);
  return graph;
}

const MATRICES = 6 * SIZES.vision.layers;

describe("mixed vision", () => {
  it("rounds everything where that is within the budget", async () => {
    const { mixed: report, plan, featureError, tokenError } = await mixed(opened("plain"), 5e-2);
    expect(report).toMatchObject({
      budget: 5e-2,
      pictures: 6,
      calibration: "made",
      int8: MATRICES,
      exact: [],
    });
    expect(Math.max(featureError, tokenError)).toBeLessThan(5e-2);
    expect(await errorOf(opened("plain"), plan)).toBeLessThan(5e-2);
  });

  it("keeps the budget on planted outlier channels, where int8 alone makes ten times that", async () => {
    const checkpoint = opened("planted");
    expect(await errorOf(checkpoint, "int8")).toBeGreaterThan(0.1);
    const { mixed: report, plan, featureError, tokenError } = await mixed(checkpoint, 3e-2);
    expect(report.int8).toBeGreaterThan(MATRICES / 2);
    expect(report.apartInputs).toBeGreaterThan(0);
    expect(Math.max(featureError, tokenError)).toBeLessThan(3e-2);
    expect(await errorOf(checkpoint, plan)).toBeLessThan(3e-2);
  });

  it("leaves more matrices exact for a smaller budget, and says which", async () => {
    const checkpoint = opened("planted");
    const { mixed: report, plan, featureError } = await mixed(checkpoint, 4e-3);
    expect(report.int8).toBeGreaterThan(0);
    expect(report.int8).toBeLessThan(MATRICES);
    expect(report.int8 + report.exact.length).toBe(MATRICES);
    expect(plan.size).toBe(report.int8);
    for (const name of report.exact) expect(plan.has(name)).toBe(false);
    expect(featureError).toBeLessThan(4e-3);
    expect(await errorOf(checkpoint, plan)).toBeLessThan(6e-3);
  });

  it("measures each matrix, and the exact encoder's results on the way", async () => {
    const checkpoint = opened("planted");
    const scratch = join(folder, "scratch");
    const crops = [unseen(1), unseen(2)];
    const told: number[] = [];
    const { matrices, exact } = await calibrate({
      checkpoint,
      scratch,
      crops,
      measured: 1,
      onProgress: ({ written, total }) => told.push(written / total),
    });
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(told.at(-1)).toBe(1);
    expect(matrices).toHaveLength(MATRICES);
    for (const { error } of matrices) expect(error).toBeGreaterThan(0);
    const directory = join(folder, "reference");
    await mkdir(directory);
    await writeVisionGraph({ checkpoint, directory });
    for (const [at, { features: found }] of exact.entries()) {
      expect(relativeError(found, await features(directory, at + 1))).toBeLessThan(1e-5);
    }
    // the first block's q_proj alone in int8, through the whole encoder
    const [first] = matrices;
    const alone = await errorOf(checkpoint, new Map([[first?.name ?? "", first?.apart ?? []]]));
    expect(Math.sqrt(first?.error ?? 0) / alone).toBeGreaterThan(0.1);
    expect(Math.sqrt(first?.error ?? 0) / alone).toBeLessThan(10);
  });

  it("stops within a block", async () => {
    const stop = new AbortController();
    const directory = await mkdtemp(join(folder, "stopped-"));
    const running = writeMixedGraph({
      checkpoint: opened("plain"),
      directory,
      file: "vision.onnx",
      budget: 3e-2,
      signal: stop.signal,
      onCalibrate: ({ written }) => {
        if (written === 2) stop.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: "interrupted" });
    expect(await readdir(directory)).toEqual([]);
  });
});
