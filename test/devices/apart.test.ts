import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Place, QUESTION, RED_CIRCLE, type Finished } from "../cli/binary.ts";
import { driverVariables, findSoftwareDrivers, keepBuffers } from "./software-drivers.ts";

const drivers = findSoftwareDrivers();
const missing = typeof drivers === "string" ? drivers : undefined;

if (missing !== undefined) console.warn(`devices that do not work are not tested: ${missing}`);

/** The language model's device alone: vision on a software driver takes ten seconds a process. */
const ON_VULKAN = ["--vision-device", "cpu", "--language-device", "vulkan"];
const ON_AUTO = ["--vision-device", "cpu", "--language-device", "auto"];

function deviceOf({ stdout }: Finished): { vision: string; language: string } {
  return (JSON.parse(stdout) as { bench: { device: { vision: string; language: string } } }).bench.device;
}

describe.skipIf(missing !== undefined)("a driver", () => {
  const place = new Place();
  let folder: string;

  beforeAll(async () => {
    await place.convertDemo();
    folder = await mkdtemp(join(tmpdir(), "flashsloth-driver-"));
  });

  afterAll(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  const ask = async (words: readonly string[], env: Record<string, string>): Promise<Finished> =>
    place.run(["ask", "-m", "demo", "--json", "--bench", "--no-cache", RED_CIRCLE, QUESTION, ...words], {
      env,
    });

  it("that cannot take the model is passed over by auto, once called out, and refused by its name in one line", async () => {
    if (typeof drivers === "string") return;
    const env = driverVariables([drivers.swiftshader], 0);
    const first = await ask(ON_AUTO, env);
    expect([first.status, deviceOf(first)]).toEqual([0, { vision: "cpu", language: "cpu" }]);
    expect(first.stderr).toMatch(/^language: vulkan is not used: .*16-bit storage/m);
    expect(first.stderr).not.toMatch(/^ggml/m);
    const second = await ask(ON_AUTO, env);
    expect([second.status, second.stderr]).toEqual([0, expect.not.stringContaining("is not used")]);
    const named = await ask(ON_VULKAN, env);
    expect([named.status, named.stdout]).toEqual([1, ""]);
    const lines = named.stderr.trim().split("\n").slice(1); // after what the demo is
    expect(lines).toEqual([
      expect.stringMatching(/^error: vulkan does not work for language here: .*16-bit storage/),
      expect.stringMatching(/^hint: use --language-device cpu/),
    ]);
  });

  it(
    "that disappears between two runs is missed by auto, and by its name in one line",
    { timeout: 600_000 },
    async () => {
      if (typeof drivers === "string") return;
      const driver = keepBuffers(drivers.llvmpipe, folder);
      const env = driverVariables([driver], 0);
      const there = await ask(ON_AUTO, env);
      expect([there.status, deviceOf(there)]).toEqual([0, { vision: "cpu", language: "vulkan" }]);
      expect(there.stderr).toContain("vision runs on cpu, language on vulkan");
      await rm(driver);
      const gone = await ask(ON_AUTO, env);
      expect([gone.status, deviceOf(gone)]).toEqual([0, { vision: "cpu", language: "cpu" }]);
      const named = await ask(ON_VULKAN, env);
      expect([named.status, named.stdout]).toEqual([1, ""]);
      expect(named.stderr).toContain(
        "error: vulkan does not work for language here: there is no Vulkan driver\n",
      );
    },
  );
});
