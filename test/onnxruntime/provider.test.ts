import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { choiceFor, providerHint, providerOption, providersFor } from "../../src/onnxruntime/provider.ts";

describe("providersFor", () => {
  it.each([
    ["cpu", "linux", ["cpu"]],
    ["cuda", "linux", ["cuda"]],
    ["metal", "darwin", ["coreml"]],
    ["vulkan", "linux", ["webgpu"]],
    ["auto", "linux", ["cuda", "cpu"]],
    ["auto", "win32", ["cuda", "cpu"]],
    ["auto", "darwin", ["coreml", "cpu"]],
  ] as const)("tries for %s on %s: %j", (device, platform, providers) => {
    expect(providersFor({ device, platform, fixedShapes: true })).toEqual(providers);
  });

  it("keeps graphs with open sizes away from CoreML", () => {
    for (const device of ["auto", "metal"] as const) {
      expect(providersFor({ device, platform: "darwin", fixedShapes: false })).toEqual(["cpu"]);
    }
    expect(providersFor({ device: "auto", platform: "linux", fixedShapes: false })).toEqual(["cuda", "cpu"]);
  });
});

describe("choiceFor", () => {
  it.each(["cpu", "cuda", "metal", "vulkan"] as const)("leads back from the provider of %s", (device) => {
    const [provider = ""] = providersFor({ device, platform: "linux", fixedShapes: true });
    expect(choiceFor(provider)).toBe(device);
  });
});

describe("providerOption", () => {
  it("asks CoreML for an ML program and leaves the others as they are", () => {
    expect(providerOption("coreml")).toEqual({ name: "coreml", coreMlFlags: 16 });
    expect(providerOption("cuda")).toBe("cuda");
  });
});

describe("providerHint", () => {
  it("names the script that fetches the CUDA libraries, where it really is", () => {
    const [, script = ""] = /`node (.+) --onnxruntime-node-install=cuda12`/.exec(providerHint("cuda")) ?? [];
    expect(existsSync(script)).toBe(true);
  });
});
