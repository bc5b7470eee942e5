import { describe, expect, it } from "vitest";
import { statusOf, statusOfRun, statusOfSignal } from "../../src/cli/exit.ts";

describe("exit status", () => {
  it("tells wrong usage, a missing model and an interruption from other failures", () => {
    expect(statusOf("usage")).toBe(2);
    expect(statusOf("model-missing")).toBe(4);
    expect(statusOf("network")).toBe(4);
    expect(statusOf("access")).toBe(4);
    expect(statusOf("interrupted")).toBe(130);
    for (const code of ["disk", "native", "device", "model-invalid", "internal"] as const) {
      expect(statusOf(code)).toBe(1);
    }
  });

  it("tells a run where all, some or no pictures were answered", () => {
    expect(statusOfRun({ answered: 2, failed: 0 })).toBe(0);
    expect(statusOfRun({ answered: 1, failed: 1 })).toBe(3);
    expect(statusOfRun({ answered: 0, failed: 2 })).toBe(1);
  });

  it("follows the shell's convention for signals", () => {
    expect(statusOfSignal("SIGINT")).toBe(130);
    expect(statusOfSignal("SIGTERM")).toBe(143);
  });
});
