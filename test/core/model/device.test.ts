import { describe, expect, it } from "vitest";
import { backendsFor, providersFor, sameHardware } from "../../../src/core/model/device.ts";

describe("the devices that a choice leads to", () => {
  it.each([
    ["cpu", "linux", ["cpu"], ["cpu"]],
    ["cuda", "linux", ["cuda"], ["cuda"]],
    ["metal", "darwin", ["coreml"], ["metal"]],
    ["vulkan", "linux", ["webgpu"], ["vulkan"]],
    ["webgpu", "linux", ["webgpu"], ["vulkan"]],
    ["webgpu", "darwin", ["webgpu"], ["metal"]],
    ["auto", "linux", ["cuda", "webgpu", "cpu"], ["cuda", "vulkan", "cpu"]],
    ["auto", "win32", ["cuda", "webgpu", "cpu"], ["cuda", "vulkan", "cpu"]],
    ["auto", "darwin", ["coreml", "webgpu", "cpu"], ["metal", "cpu"]],
  ] as const)("tries for %s on %s: vision on %j, language on %j", (choice, platform, providers, backends) => {
    expect(providersFor(choice, platform)).toEqual(providers);
    expect(backendsFor(choice, platform)).toEqual(backends);
  });

  it("are the same hardware where each runtime has its own name for it", () => {
    for (const [choice, platform] of [
      ["cpu", "linux"],
      ["cuda", "linux"],
      ["vulkan", "win32"],
      ["metal", "darwin"],
      ["webgpu", "darwin"],
    ] as const) {
      const [vision = "cpu"] = providersFor(choice, platform);
      const [language = "cpu"] = backendsFor(choice, platform);
      expect(sameHardware(vision, language)).toBe(true);
    }
    expect(sameHardware("cpu", "vulkan")).toBe(false);
    expect(sameHardware("webgpu", "cpu")).toBe(false);
    expect(sameHardware("coreml", "cpu")).toBe(false);
  });
});
