import { writeFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { convertCheckpoint, type ConvertOptions } from "../../src/convert/convert.ts";
import type { Manifest } from "../../src/core/model/manifest.ts";
import { DEMO_CHECKPOINT } from "../demo/demo-model.ts";
import { writeSmallCheckpoint } from "./small-checkpoint.ts";
import { onTightDisk } from "./tightDisk.ts";

const MB = 1e6;

let folder: string;
let small: string;
let demo: Manifest;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-full-"));
  small = join(folder, "small");
  await writeSmallCheckpoint(small);
  demo = await convertCheckpoint({ checkpoint: DEMO_CHECKPOINT, out: join(folder, "demo"), name: "demo" });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("convertCheckpoint on a disk that is too small", () => {
  it("says what is needed and what is there, writes nothing, and works with more room", async () => {
    await onTightDisk({ total: 3 * MB, longest: MB }, async (disk) => {
      const options = { checkpoint: DEMO_CHECKPOINT, out: join(disk.folder, "model"), name: "demo" };
      const figures = /^not enough disk space: [\d.]+ MB needed to convert, [\d.]+ MB free in |EFBIG/;
      await expect(convertCheckpoint(options)).rejects.toMatchObject({
        code: "disk",
        message: expect.stringMatching(figures),
      });
      expect(await readdir(disk.folder)).toEqual([]);
      disk.relax();
      expect(await convertCheckpoint(options)).toEqual(demo);
    });
  });
});

describe("convertCheckpoint on a disk that others fill up", () => {
  it.each([
    ["language", "q4_k_m", []],
    ["quantize", "q4_k_m", ["language.f16.gguf"]],
    ["quantize", "iq4_nl", ["language.f16.gguf"]],
    ["vision", "q4_k_m", ["language.gguf"]],
  ] as const)(
    "during %s to %s: says so, keeps what is finished, and goes on when there is room",
    async (...row) => {
      const [stage, quant, kept] = row;
      // the longest file of all is the f16 one, before the quantised one
      const longest = { language: 20 * MB, quantize: 80 * MB, vision: 80 * MB }[stage];
      await onTightDisk({ total: 250 * MB, longest }, async (disk) => {
        const ballast = join(disk.folder, "ballast");
        const out = join(disk.folder, "model");
        const options: ConvertOptions = { checkpoint: small, out, name: "small", quant };
        let filled = false;
        const run = convertCheckpoint({
          ...options,
          onProgress: (progress) => {
            if (filled || progress.stage !== stage) return;
            filled = true;
            fillUp(ballast);
          },
        });
        await expect(run).rejects.toMatchObject({
          code: "disk",
          message: expect.stringMatching(disk.message),
        });
        const partial = await readdir(`${out}.partial`).catch(() => []);
        expect(partial).toEqual(kept.length === 0 ? [] : ["conversion.json", ...kept]);
        await rm(ballast);
        disk.relax();
        const stages = new Set<string>();
        const manifest = await convertCheckpoint({
          ...options,
          onProgress: (step) => stages.add(step.stage),
        });
        expect(manifest.quant).toBe(quant);
        expect(stages.has("language")).toBe(kept.length === 0);
        expect(await readdir(disk.folder)).toEqual(["model"]);
      });
    },
  );
});

/** Writes until nothing more is taken. */
function fillUp(path: string): void {
  for (const size of [MB, 4096, 1]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: "a" });
    } catch {
      // full for pieces of this size
    }
  }
}
