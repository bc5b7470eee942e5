import { describe, expect, it } from "vitest";
import { adviceFor } from "../../src/doctor/advice.ts";
import type { DoctorReport } from "../../src/doctor/report.ts";

type Found = Omit<DoctorReport, "advice">;

/** A machine on whose CPU a model of full size was tried. */
function found(quant: string, cpu_features: string[] = []): Found {
  return {
    versions: { flashsloth: "0", node: "0", onnxruntime: "0", llama_cpp: "0" },
    machine: {
      cpu: "a CPU",
      logical_cpus: 2,
      memory_bytes: 2 ** 34,
      system: "linux",
      usable_cores: 2,
      cpu_features,
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
    { has: "q4_k_m", cpu: [], advised: ["q4_0"] },
    { has: "q4_k_s", cpu: [], advised: ["q4_0"] },
    { has: "q4_0", cpu: [], advised: [] },
    { has: "q4_k_m", cpu: ["avx2", "avx512f", "amx_int8"], advised: ["q4_0"] },
    { has: "q4_k_m", cpu: ["avx2", "avx_vnni"], advised: ["q4_0"] },
    { has: "q4_k_m", cpu: ["avx2"], advised: ["q4_k_s"] },
    { has: "q4_k_s", cpu: ["avx2"], advised: [] },
    { has: "q4_0", cpu: ["avx2"], advised: [] },
    { has: "q4_k_m", cpu: ["asimd"], advised: ["q4_0"] },
  ])("with $has and $cpu is $advised", ({ has, cpu, advised }) => {
    const lines = adviceFor(found(has, cpu)).filter((line) => line.includes("--quant"));
    expect(lines.map((line) => /--quant (\w+)/.exec(line)?.[1])).toEqual(advised);
  });
});
