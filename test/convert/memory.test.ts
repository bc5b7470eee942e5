import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/open.ts";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { writeSyntheticCheckpoint } from "../synthetic/checkpoint.ts";
import { PUBLISHED_SIZES } from "../synthetic/shapes.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-memory-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("convertCheckpoint", () => {
  it("holds no more than a few of the largest tensors in memory", async () => {
    const checkpoint = join(folder, "large");
    const out = join(folder, "large-model");
    const sizes = {
      ...PUBLISHED_SIZES,
      hiddenSize: 128,
      intermediateSize: 20_000,
      layers: 12,
      heads: 4,
      vision: { ...PUBLISHED_SIZES.vision, hiddenSize: 128, intermediateSize: 256, layers: 2, heads: 4 },
    };
    await writeSyntheticCheckpoint({ directory: checkpoint, sizes, shardBytes: 60_000_000 });
    const opened = await openCheckpoint({ directory: checkpoint });
    const lengths = [...opened.tensors.values()].map(({ byteLength }) => byteLength);
    await opened.close();
    const largest = Math.max(...lengths);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBeGreaterThan(10 * largest);

    // garbage is collected before each look, so that only what is really held counts; twice, because buffers that
    // one collection found are freed by a thread beside this one, which the next collection waits for
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    const collect = (): void => {
      gc();
      gc();
    };
    await setImmediate();
    collect();
    const before = process.memoryUsage().arrayBuffers;
    let peak = 0;
    let sampled = "";
    await convertCheckpoint({
      checkpoint,
      out,
      name: "large",
      onProgress: ({ done, stage }) => {
        const sample = `${stage} ${Math.floor(done / 6_000_000)}`;
        if (stage === "check" || sample === sampled) return;
        sampled = sample;
        collect();
        peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
      },
    });
    expect(peak).toBeGreaterThan(0.9 * largest);
    expect(peak).toBeLessThan(2.5 * largest);
    await Promise.all([checkpoint, out].map((path) => rm(path, { recursive: true })));
  });
});
