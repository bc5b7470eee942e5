import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Answer } from "../../src/engine/api.ts";
import { Engine } from "../../src/engine/engine.ts";
import { DRAWINGS, readDrawings, type Drawing } from "../demo/demo-model.ts";
import { relativeError } from "../golden/golden.ts";
import { convertModels, goldenErrors } from "../gpu/device.ts";
import { driverVariables, findSoftwareDrivers, keepBuffers } from "./software-drivers.ts";

/** How many drawings are asked about. */
const COUNT = Number(process.env["FLASHSLOTH_DEVICE_DRAWINGS"] ?? 20);
const GOLDENS = ["base", "hd"] as const;
/** Goldens whose picture WebGPU encodes too: SwiftShader takes minutes for one of the base model, five times as long for HD's. */
const WHOLE = (process.env["FLASHSLOTH_DEVICE_GOLDENS"] ?? "").split(",");
const drivers = findSoftwareDrivers();
const missing = typeof drivers === "string" ? drivers : undefined;

if (missing !== undefined) console.warn(`the GPU path is not tested: ${missing}`);

/** Everything is in one process: shaders are compiled once in each, for ten seconds and more. */
describe.skipIf(missing !== undefined)(
  "vision on WebGPU over SwiftShader, language on Vulkan over llvmpipe",
  () => {
    let scratch: string;
    let drawings: Drawing[];
    let engine: Engine;

    const batches = async (): Promise<number> => (await engine.counters()).batches;

    const load = async (): Promise<Engine> =>
      Engine.load({
        directory: join(scratch, "demo"),
        device: "vulkan",
        threads: 1,
        parallel: 4,
        promptCache: join(scratch, "prompts"),
        pictureCache: { features: join(scratch, "features"), prefixes: join(scratch, "prefixes") },
      });

    const ask = async ({ image, question }: Drawing): Promise<Answer> => {
      const picture = await engine.encodePicture(join(DRAWINGS, image));
      const answer = await engine.ask(picture, { question });
      await engine.release(picture);
      return answer;
    };

    beforeAll(async () => {
      if (typeof drivers === "string") return;
      scratch = await mkdtemp(join(tmpdir(), "flashsloth-devices-"));
      const llvmpipe = keepBuffers(drivers.llvmpipe, scratch);
      Object.assign(process.env, driverVariables([drivers.swiftshader, llvmpipe], 1));
      await convertModels(scratch, GOLDENS);
      drawings = (await readDrawings()).slice(0, COUNT);
      engine = await load();
    }, 600_000);

    afterAll(async () => {
      await engine?.dispose();
      if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
    });

    it("is where the model loads", () => {
      expect(engine.info.device).toMatchObject({ vision: "webgpu", language: "vulkan" });
      expect(engine.info.device.about).toMatch(/llvmpipe/);
      expect(readFileSync("/proc/self/maps", "utf8")).toContain("libkept-buffers.so");
    });

    it(
      `answers ${COUNT} drawings as PyTorch does, at least 99 times in 100`,
      { timeout: 3_600_000 },
      async () => {
        const same: boolean[] = [];
        for (const drawing of drawings) same.push((await ask(drawing)).text === drawing.pytorch);
        const count = same.filter(Boolean).length;
        console.log(`${count} of ${same.length} drawings answered on the software drivers as by PyTorch`);
        expect(count / same.length).toBeGreaterThanOrEqual(0.99);
      },
    );

    it("answers several at once as one after the other", { timeout: 600_000 }, async () => {
      const few = drawings.slice(0, 4);
      const start = await batches();
      for (const drawing of few) await ask(drawing);
      const alone = (await batches()) - start;

      const pictures = [];
      for (const { image } of few) pictures.push(await engine.encodePicture(join(DRAWINGS, image)));
      const before = await batches();
      const answers = await Promise.all(
        pictures.map(async (picture, at) => engine.ask(picture, { question: few[at]?.question ?? "" })),
      );
      const together = (await batches()) - before;
      expect(answers.map(({ text }) => text)).toEqual(few.map(({ pytorch }) => pytorch));
      console.log(`${few.length} questions: ${alone} graphs one after the other, ${together} at once`);
      expect(together).toBeLessThan(alone);
    });

    it(
      "takes up what it kept of a picture in an earlier run, and answers the same",
      { timeout: 600_000 },
      async () => {
        const [drawing] = drawings;
        if (drawing === undefined) throw new Error("there are no drawings");
        await engine.dispose();
        engine = await load();
        expect((await ask(drawing)).text).toBe(drawing.pytorch);
        const { featuresRead, prefixesRead, picturesEncoded } = await engine.counters();
        expect({ featuresRead, prefixesRead, picturesEncoded }).toEqual({
          featuresRead: 1,
          prefixesRead: 1,
          picturesEncoded: 0,
        });
      },
    );

    it("encodes a picture as the CPU does, within 1e-5", { timeout: 600_000 }, async () => {
      const path = join(DRAWINGS, drawings[0]?.image ?? "");
      const encode = async (visionDevice: "webgpu" | "cpu"): Promise<Float32Array> => {
        const directory = join(scratch, "demo");
        const other = await Engine.load({
          directory,
          device: "vulkan",
          visionDevice,
          threads: 1,
          parallel: 1,
        });
        try {
          return other.features(await other.encodePicture(path)).features;
        } finally {
          await other.dispose();
        }
      };
      expect(relativeError(await encode("webgpu"), await encode("cpu"))).toBeLessThan(1e-5);
    });

    const goldens = GOLDENS.flatMap((variant) =>
      (["cpu", "webgpu"] as const).map((visionDevice) => ({ variant, visionDevice })),
    ).filter(({ variant, visionDevice }) => visionDevice === "cpu" || WHOLE.includes(variant));

    it.each(goldens)(
      "computes the $variant golden with vision on $visionDevice",
      { timeout: 3_600_000 },
      async ({ variant, visionDevice }) => {
        const devices = { visionDevice, languageDevice: "vulkan" } as const;
        const [features, logits] = await goldenErrors(variant, { scratch, ...devices });
        const errors = `features within ${features.toExponential(1)}, logits ${logits.toExponential(1)}`;
        console.log(`golden ${variant}, vision on ${visionDevice}: ${errors}`);
        expect(features).toBeLessThan(1e-5);
        expect(logits).toBeLessThan(5e-3);
      },
    );
  },
);
