import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readManifest } from "../../src/core/model/manifest.ts";
import { chooseDevices } from "../../src/engine/devices/choose.ts";
import { compareVision } from "../../src/engine/devices/compare.ts";
import { runTrial, type TrialReport, type TrialRequest } from "../../src/engine/devices/trial.ts";
import { convertDemo } from "../demo/demo-model.ts";
import { driverVariables, findSoftwareDrivers } from "./software-drivers.ts";

/** It takes three minutes, so that the suite leaves it out; each trial has a process of its own. */
const WANTED = Number(process.env["FLASHSLOTH_DEVICE_CROPS"] ?? 0) > 0;
const drivers = WANTED ? findSoftwareDrivers() : "FLASHSLOTH_DEVICE_CROPS=1 was not given";
const missing = typeof drivers === "string" ? drivers : undefined;

if (missing !== undefined) console.warn(`batches of crops on WebGPU are not tested: ${missing}`);

/** The parity checkpoints take minutes a picture there; the demo model with a picture in five crops goes the same ways. */
describe.skipIf(missing !== undefined).each(["squash", "tiles"] as const)(
  "the demo's encoder on WebGPU over SwiftShader, pictures cut as %s",
  (crops) => {
    let demo: Awaited<ReturnType<typeof convertDemo>>;
    let directory: string;
    let verdicts: string;
    let onCpu: NonNullable<TrialReport["vision"]>;

    beforeAll(async () => {
      if (typeof drivers === "string") return;
      Object.assign(process.env, driverVariables([drivers.swiftshader], 0));
      demo = await convertDemo();
      ({ directory } = demo);
      verdicts = await mkdtemp(join(tmpdir(), "flashsloth-verdicts-"));
      const path = join(directory, "manifest.json");
      const manifest = await readFile(path, "utf8");
      await writeFile(path, manifest.replace('"crops": "squash"', `"crops": "${crops}"`));
      onCpu = await seen({ vision: "cpu" });
    }, 300_000);

    afterAll(async () => {
      await demo?.remove();
      if (verdicts !== undefined) await rm(verdicts, { recursive: true, force: true });
    });

    async function seen(
      request: Omit<TrialRequest, "directory">,
    ): Promise<NonNullable<TrialReport["vision"]>> {
      const result = await runTrial({ directory, threads: 1, ...request });
      if ("failed" in result) throw new Error(result.failed);
      if (result.report.vision === undefined) throw new Error("nothing was computed");
      return result.report.vision;
    }

    it("gives the CPU's numbers, a crop at a time and in runs of eight", { timeout: 600_000 }, async () => {
      for (const form of ["single", "batch"] as const) {
        const { numbers, together } = await seen({ vision: "webgpu", form });
        expect(together === undefined).toBe(form === "single");
        const { errors } = compareVision(numbers, onCpu.numbers, { together });
        console.log(`${crops}, ${form}: ${JSON.stringify(errors)}`);
        for (const error of Object.values(errors)) expect(error).toBeLessThan(1e-5);
      }
    });

    it(
      "is computed in float16 only where the driver can and is exact enough",
      { timeout: 600_000 },
      async () => {
        const manifest = await readManifest(directory);
        const options = { directory, manifest, verdicts, threads: 1, device: "cpu" } as const;
        const { visionForm, notes } = await chooseDevices({ ...options, visionDevice: "webgpu" });
        console.log(`${crops}: ${visionForm.name} is taken; ${notes.join("; ")}`);
        if (visionForm.name === "half") {
          const { numbers, together } = await seen({ vision: "webgpu", form: "half" });
          expect(
            compareVision(numbers, onCpu.numbers, { together, arithmetic: "float16" }).wrong,
          ).toBeUndefined();
        } else {
          expect(visionForm.name).toBe("batch");
          expect(notes).toEqual([
            expect.stringMatching(/^vision: webgpu, float16, batch of 8 is not used: /),
          ]);
        }
        const again = await chooseDevices({ ...options, visionDevice: "webgpu" });
        expect(again).toMatchObject({ visionForm: { name: visionForm.name }, trials: 0 });
      },
    );
  },
);
