import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/open.ts";
import { elementCount } from "../../src/core/model/shape.ts";
import { writeSyntheticCheckpoint } from "./checkpoint.ts";
import { writeParityCheckpoint } from "./parity.ts";
import { checkpointShapes, type SyntheticSizes } from "./shapes.ts";
import { syntheticHalves } from "./values.ts";

const SMALL: SyntheticSizes = {
  hiddenSize: 32,
  intermediateSize: 64,
  layers: 9,
  heads: 2,
  vocabSize: 51_200,
  vision: { hiddenSize: 48, intermediateSize: 96, layers: 3, heads: 4, imageSize: 90, patchSize: 14 },
  embqWidth: 24,
  queries: 5,
};

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "flashsloth-synthetic-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

describe("a synthetic checkpoint", () => {
  it("opens in shards, with what published ones hold and nobody reads", async () => {
    const small = join(directory, "small");
    let written = 0;
    await writeSyntheticCheckpoint({
      directory: small,
      sizes: SMALL,
      hd: true,
      shardBytes: 4_000_000,
      onBytes: (bytes) => (written += bytes),
    });
    expect((await readdir(small)).filter((name) => name.includes("safetensors"))).toEqual([
      "model-00001-of-00002.safetensors",
      "model-00002-of-00002.safetensors",
      "model.safetensors.index.json",
    ]);
    let total = 0;
    for (const shape of checkpointShapes(SMALL, true).values()) total += 2 * elementCount(shape);
    expect(written).toBe(total);

    const checkpoint = await openCheckpoint({ directory: small });
    expect(checkpoint.config.vision).toMatchObject({ layers: 3, grid: 6 });
    expect(checkpoint.config.embq).toMatchObject({ layer: 7, width: 24, queries: 5, valueWidth: 48 });
    expect(checkpoint.config.hd).toBe(true);
    expect([...checkpoint.tensors.keys()].sort()).toEqual([...checkpointShapes(SMALL, false).keys()].sort());
    await checkpoint.close();
  });

  it("of the goldens opens with every tensor's values", async () => {
    const base = join(directory, "base");
    await writeParityCheckpoint({ golden: "base", directory: base });
    const checkpoint = await openCheckpoint({ directory: base });
    expect(checkpoint.config.vision.layers).toBe(2);
    for (const [name, { shape }] of checkpoint.tensors) {
      const halves = syntheticHalves(name, shape, 0, elementCount(shape));
      const bytes = await checkpoint.readBytes(name);
      expect(Buffer.compare(bytes, new Uint8Array(halves.buffer)), name).toBe(0);
    }
    expect(checkpoint.unconsumed()).toEqual([]);
    await checkpoint.close();
  });
});
