import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { driversOf, mayHaveGpu, missingVulkan } from "../../../src/core/machine/drivers.ts";

let folder: string;
let manifest: string;
let library: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-drivers-"));
  await mkdir(join(folder, "icd.d"));
  manifest = join(folder, "icd.d", "gpu.json");
  library = join(folder, "icd.d", "libgpu.so");
  await writeFile(manifest, JSON.stringify({ ICD: { library_path: "./libgpu.so", api_version: "1.3.0" } }));
  await writeFile(library, "one");
});

afterAll(async () => rm(folder, { recursive: true }));

const linux = (env: Record<string, string>): { platform: "linux"; env: Record<string, string> } => ({
  platform: "linux",
  env,
});

describe("what stands for a machine's drivers", () => {
  it("holds a Vulkan driver's manifest and its library, and changes with either", async () => {
    const env = { VK_DRIVER_FILES: manifest };
    const before = driversOf("vulkan", linux(env));
    expect(before.some((line) => line.startsWith(`${manifest} `))).toBe(true);
    expect(before.some((line) => line.startsWith(`${library} 3 `))).toBe(true);
    expect(driversOf("webgpu", linux(env))).toEqual(before);
    await writeFile(library, "three");
    const updated = driversOf("vulkan", linux(env));
    expect(updated).not.toEqual(before);
    await utimes(library, 1, 1);
    expect(driversOf("vulkan", linux(env))).not.toEqual(updated);
    await rm(library);
    expect(driversOf("vulkan", linux(env)).some((line) => line.startsWith(library))).toBe(false);
    await writeFile(library, "one");
  });

  it("holds the variables that choose among devices", () => {
    const [one, other] = ["0", "1"].map((visible) => linux({ CUDA_VISIBLE_DEVICES: visible }));
    expect(driversOf("cuda", one)).not.toEqual(driversOf("cuda", other));
  });

  it("is nothing for the CPU", () => {
    expect(driversOf("cpu", linux({ VK_DRIVER_FILES: manifest }))).toEqual([]);
  });
});

describe("a Vulkan driver", () => {
  it("is missing where its manifest is", () => {
    expect(missingVulkan(linux({ VK_DRIVER_FILES: manifest }))).toBeUndefined();
    expect(missingVulkan(linux({ VK_ICD_FILENAMES: join(folder, "icd.d") }))).toBeUndefined();
    expect(missingVulkan(linux({ VK_DRIVER_FILES: join(folder, "none.json") }))).toMatch(/no Vulkan driver/);
  });

  it("that somebody names counts as a GPU", () => {
    expect(mayHaveGpu(linux({ VK_DRIVER_FILES: manifest }))).toBe(true);
    expect(mayHaveGpu({ platform: "win32", env: {} })).toBe(true);
  });
});
