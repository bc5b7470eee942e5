import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { loadLlama } from "../../../src/language/ffi/library.ts";
import { processorFlags } from "../../cpu/flags.ts";

it("knows what the kernels that ggml chose were compiled for", async () => {
  const { devices } = await loadLlama("cpu");
  const features = devices.find(({ gpu }) => !gpu)?.features ?? [];
  expect(features.length).toBeGreaterThan(0);
  expect(features.every((name) => /^[A-Z0-9_]+$/.test(name))).toBe(true);
  if (process.platform !== "linux" || process.arch !== "x64") return;
  const [, build = ""] = /libggml-cpu-(\w+)\.so/.exec(readFileSync("/proc/self/maps", "utf8")) ?? [];
  const flags = processorFlags().split(" ");
  // the only build of this release with AMX
  expect(features.includes("AMX_INT8")).toBe(build === "sapphirerapids");
  expect(features.includes("AVX2")).toBe(flags.includes("avx2"));
});
