import { describe, expect, it } from "vitest";
import { shortReason } from "../../src/onnxruntime/reason.ts";

describe("shortReason", () => {
  it.each([
    [
      "/src/core/providers/webgpu/webgpu_context.cc:136 onnxruntime::Context::Initialize(const Config&)::<lambda()> " +
        "result.status == Status::Success was false. Failed to get a WebGPU adapter: No supported adapters\n",
      "Failed to get a WebGPU adapter: No supported adapters",
    ],
    [
      "OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library",
      "Failed to load shared library",
    ],
    ["/src/provider.cc:12 CUDA failure 35: driver too old", "CUDA failure 35: driver too old"],
    ["Protobuf parsing failed.", "Protobuf parsing failed."],
  ])("takes the reason out of %j", (message, reason) => {
    expect(shortReason(new Error(message))).toBe(reason);
  });

  it("keeps to one short line", () => {
    const reason = shortReason(`first\nsecond ${"x".repeat(1000)}`);
    expect(reason).toHaveLength(200);
    expect(reason).toMatch(/^first second x+…$/);
  });
});
