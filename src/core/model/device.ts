/**
 * Where to compute, as a user names it: onnxruntime's provider and llama.cpp's backend follow from it, see `devicesFor`. `auto`
 * takes the best that has proved itself.
 */
export const DEVICES = ["auto", "cpu", "cuda", "metal", "vulkan", "webgpu"] as const;
export type DeviceChoice = (typeof DEVICES)[number];

/** onnxruntime's name for what computes. */
export type Provider = "cpu" | "cuda" | "coreml" | "webgpu";

/** llama.cpp's name for what computes. */
export type Backend = "cpu" | "cuda" | "vulkan" | "metal";

/** What a device multiplies matrices in: numbers of 32 or of 16 bits. */
export type Arithmetic = "float32" | "float16";

/** onnxruntime reaches Vulkan (on Windows Direct3D) through WebGPU, and has no Metal but CoreML. */
const PROVIDER: Readonly<Record<Exclude<DeviceChoice, "auto">, Provider>> = {
  cpu: "cpu",
  cuda: "cuda",
  metal: "coreml",
  vulkan: "webgpu",
  webgpu: "webgpu",
};

/** The providers to try for a choice, best first; `auto` ends with the CPU. */
export function providersFor(choice: DeviceChoice, platform: NodeJS.Platform): readonly Provider[] {
  if (choice !== "auto") return [PROVIDER[choice]];
  return platform === "darwin" ? ["coreml", "webgpu", "cpu"] : ["cuda", "webgpu", "cpu"];
}

/** The backends to try for a choice, best first; `auto` ends with the CPU. llama.cpp reaches what WebGPU stands on by itself. */
export function backendsFor(choice: DeviceChoice, platform: NodeJS.Platform): readonly Backend[] {
  if (choice === "webgpu") return [platform === "darwin" ? "metal" : "vulkan"];
  if (choice !== "auto") return [choice];
  return platform === "darwin" ? ["metal", "cpu"] : ["cuda", "vulkan", "cpu"];
}

/** Whether both can be the same hardware. */
export function sameHardware(vision: Provider, language: Backend): boolean {
  if (vision === "webgpu") return language === "vulkan" || language === "metal";
  return (vision === "coreml" ? "metal" : vision) === language;
}
