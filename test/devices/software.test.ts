import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Answer } from "../../src/engine/api.ts";
import { Engine } from "../../src/engine/engine.ts";
import { convertDemo, DRAWINGS, readDrawings, type Drawing } from "../demo/demo-model.ts";
import { driverVariables, findSoftwareDrivers } from "./software-drivers.ts";

/**
 * How many drawings are asked about; with 200 it takes a quarter of an hour. Not part of the suite: in two of some ten runs the
 * process ended in the midst, at least once by a segmentation fault in libgcc's unwinder, and nobody knows yet whether the
 * drivers, the libraries or we are to blame.
 */
const COUNT = Number(process.env["FLASHSLOTH_DEVICE_DRAWINGS"] ?? 0);
const drivers = COUNT > 0 ? findSoftwareDrivers() : "FLASHSLOTH_DEVICE_DRAWINGS=20 was not given";
const missing = typeof drivers === "string" ? drivers : undefined;

if (missing !== undefined) console.warn(`the GPU path is not tested: ${missing}`);

/** Everything is in one process: shaders are compiled once in each, for ten seconds and more. */
describe.skipIf(missing !== undefined)(
  "vision on WebGPU over SwiftShader, language on Vulkan over llvmpipe",
  () => {
    let demo: Awaited<ReturnType<typeof convertDemo>>;
    let drawings: Drawing[];
    let caches: string;
    let engine: Engine;

    const batches = async (): Promise<number> => (await engine.counters()).batches;

    const load = async (): Promise<Engine> =>
      Engine.load({
        directory: demo.directory,
        device: "vulkan",
        threads: 1,
        parallel: 4,
        promptCache: join(caches, "prompts"),
        pictureCache: { features: join(caches, "features"), prefixes: join(caches, "prefixes") },
      });

    const ask = async ({ image, question }: Drawing): Promise<Answer> => {
      const picture = await engine.encodePicture(join(DRAWINGS, image));
      const answer = await engine.ask(picture, { question });
      await engine.release(picture);
      return answer;
    };

    beforeAll(async () => {
      if (typeof drivers === "string") return;
      Object.assign(process.env, driverVariables([drivers.swiftshader, drivers.llvmpipe], 1));
      demo = await convertDemo();
      drawings = (await readDrawings()).slice(0, COUNT);
      caches = await mkdtemp(join(tmpdir(), "flashsloth-devices-"));
      engine = await load();
    }, 600_000);

    afterAll(async () => {
      await engine?.dispose();
      await demo?.remove();
      if (caches !== undefined) await rm(caches, { recursive: true, force: true });
    });

    it("is where the model loads", () => {
      expect(engine.info.device).toMatchObject({ vision: "webgpu", language: "vulkan" });
      expect(engine.info.device.about).toMatch(/llvmpipe/);
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
  },
);
