import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { providerHint, providerOption } from "../../src/onnxruntime/provider.ts";

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
