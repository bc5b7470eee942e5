import { describe, expect, it } from "vitest";
import { adviceFor } from "../../src/doctor/advice.ts";
import type { DoctorReport } from "../../src/doctor/report.ts";

type Found = Omit<DoctorReport, "advice">;

/** A machine on whose CPU a model of full size was tried. */
function found(quant: string): Found {
  return {
    versions: { flashsloth: "0", node: "0", onnxruntime: "0", llama_cpp: "0" },
    machine: {
      cpu: "a CPU",
      logical_cpus: 2,
      memory_bytes: 2 ** 34,
      system: "linux",
      usable_cores: 2,
      cpu_features: [],
      ggml_cpu_build: null,
    },
    drivers: [],
    model: "flashsloth-3.2b",
    devices: [],
    default_devices: { vision: "cpu", arithmetic: "float32", language: "cpu", sound: true },
    models: [{ name: "flashsloth-3.2b", quant, vision: "fp32", bytes: 2 ** 31 }],
    store: { folder: "/store", free_bytes: 2 ** 40 },
    caches: [],
    environment: {},
  };
}

describe("the variant that is advised on a CPU", () => {
  it.each([
    { has: "q4_k_m", advised: ["q4_0"] },
    { has: "q4_0", advised: [] },
  ])("with $has is $advised", ({ has, advised }) => {
    const lines = adviceFor(found(has)).filter((line) => line.includes("--quant"));
    expect(lines.map((line) => /--quant (\w+)/.exec(line)?.[1])).toEqual(advised);
  });
});
