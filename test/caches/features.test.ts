import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { FeatureCache, roundFeatures, type Features } from "../../src/caches/features.ts";

const OF = { model: "m", runtime: "onnxruntime 1, cpu" };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "flashsloth-features-"));
  return async () => rm(directory, { recursive: true });
});

/** Of all sizes that features have, and some that float16 cannot tell apart. */
function feature(_: unknown, i: number): number {
  return Math.sin(i * 0.7) * 10 ** ((i % 11) - 7);
}

function features(count = 729 * 1152, tokens = 81 * 2560): Features {
  return {
    features: Float32Array.from({ length: count }, feature),
    visualTokens: Float32Array.from({ length: tokens }, feature),
  };
}

describe("kept features", () => {
  it("come back rounded to float16, and say so", async () => {
    const written = features();
    const cache = new FeatureCache({ directory, ...OF });
    await cache.write("p", written);
    const kept = await new FeatureCache({ directory, ...OF }).read("p");
    expect(kept?.rounded).toBe(true);
    for (const part of ["features", "visualTokens"] as const) {
      const values = kept?.[part] ?? new Float32Array();
      expect(values).toHaveLength(written[part].length);
      let worst = 0;
      for (const [i, value] of written[part].entries()) {
        worst = Math.max(worst, Math.abs((values[i] ?? NaN) - value) / Math.max(Math.abs(value), 2 ** -14));
      }
      expect(worst).toBeLessThanOrEqual(2 ** -11);
      expect(worst).toBeGreaterThan(2 ** -12);
    }
    const [name = ""] = await readdir(directory);
    expect((await stat(join(directory, name))).size).toBe(32 + 8 + (729 * 1152 + 81 * 2560) * 2);
  });

  it("are what rounding in place makes of fresh ones, to the last bit", async () => {
    const fresh = features(1000, 500);
    const cache = new FeatureCache({ directory, ...OF });
    await cache.write("before", fresh);
    expect(roundFeatures(fresh)).toBe(true);
    await cache.write("after", fresh);
    for (const picture of ["before", "after"]) {
      expect(await cache.read(picture)).toEqual({ ...fresh, rounded: true });
    }
  });

  it("are those at the time of writing", async () => {
    const fresh = features(1000, 500);
    const cache = new FeatureCache({ directory, ...OF });
    void cache.write("p", fresh);
    const then = { features: fresh.features.slice(), visualTokens: fresh.visualTokens.slice() };
    fresh.features.fill(0);
    await cache.written;
    roundFeatures(then);
    expect(await cache.read("p")).toEqual({ ...then, rounded: true });
  });

  it("are none where float16 cannot hold them", async () => {
    const cache = new FeatureCache({ directory, ...OF });
    for (const value of [65520, -7e4, Infinity, NaN]) {
      for (const part of ["features", "visualTokens"] as const) {
        const fresh = features(100, 100);
        fresh[part][50] = value;
        const before = { features: fresh.features.slice(), visualTokens: fresh.visualTokens.slice() };
        expect(roundFeatures(fresh)).toBe(false);
        expect(fresh).toEqual(before);
        await cache.write("p", fresh);
        expect(await cache.read("p")).toBeUndefined();
      }
    }
    const large = { features: Float32Array.of(65519), visualTokens: Float32Array.of(-65504) };
    await cache.write("p", large);
    expect((await cache.read("p"))?.features).toEqual(Float32Array.of(65504));
  });

  it("belong to one picture, model and runtime", async () => {
    await new FeatureCache({ directory, ...OF }).write("p", features(10, 10));
    const others = [{ model: "n" }, { runtime: "onnxruntime 2, cpu" }, { runtime: "onnxruntime 1, cuda" }];
    for (const other of others) {
      expect(await new FeatureCache({ directory, ...OF, ...other }).read("p")).toBeUndefined();
    }
    expect(await new FeatureCache({ directory, ...OF }).read("q")).toBeUndefined();
    expect(await new FeatureCache({ directory, ...OF }).read("p")).toBeDefined();
  });

  it("keep to their bound", async () => {
    const one = features(10_000, 1_000);
    const cache = new FeatureCache({ directory, ...OF, maxBytes: 50_000 });
    for (const picture of ["a", "b", "c"]) await cache.write(picture, one);
    expect(await readdir(directory)).toHaveLength(2);
    expect(await cache.read("c")).toBeDefined();
  });
});
