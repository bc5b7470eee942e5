import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { readManifest, type Manifest } from "../../../src/core/model/manifest.ts";
import type { ChooseOptions } from "../../../src/engine/devices/choose.ts";
import { measureReference } from "../../../src/engine/devices/trial.ts";
import { convertDemo } from "../../demo/demo-model.ts";
import { deviceDouble, type Damage } from "./device-double.ts";

/** The demo model on a machine with every device, for a whole file; each test has a folder for verdicts of its own. */
export interface Machine {
  readonly directory: string;
  readonly manifest: Manifest;
  readonly verdicts: string;
  /** What chooses among devices whose computations are spoilt as `damage` says. @param damage @default all are sound */
  options(damage?: Damage): ChooseOptions;
}

export function testMachine(): Machine {
  let demo: Awaited<ReturnType<typeof convertDemo>>;
  let manifest: Manifest;
  let verdicts: string;

  beforeAll(async () => {
    demo = await convertDemo();
    const reference = await measureReference(demo.directory, { tryDevice: deviceDouble({}) });
    manifest = { ...(await readManifest(demo.directory)), reference };
  });

  afterAll(async () => demo?.remove());

  beforeEach(async () => {
    verdicts = await mkdtemp(join(tmpdir(), "flashsloth-verdicts-"));
    return async () => rm(verdicts, { recursive: true });
  });

  return {
    get directory() {
      return demo.directory;
    },
    get manifest() {
      return manifest;
    },
    get verdicts() {
      return verdicts;
    },
    options: (damage = {}) => ({
      directory: demo.directory,
      manifest,
      verdicts,
      platform: "linux",
      env: { CUDA_VISIBLE_DEVICES: "0" },
      absentReason: () => undefined,
      tryDevice: deviceDouble(damage),
    }),
  };
}
