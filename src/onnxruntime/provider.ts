import { createRequire } from "node:module";
import type { InferenceSession } from "onnxruntime-node";
import type { DeviceChoice } from "../core/device.ts";

/** onnxruntime's name for what computes. */
export type Provider = "cpu" | "cuda" | "coreml" | "webgpu";

/** onnxruntime has no Vulkan of its own: its WebGPU provider runs on Vulkan, or on Direct3D on Windows. */
const CHOSEN: Readonly<Record<Exclude<DeviceChoice, "auto">, Provider>> = {
  cpu: "cpu",
  cuda: "cuda",
  metal: "coreml",
  vulkan: "webgpu",
};

export interface ProvidersOptions {
  readonly device: DeviceChoice;
  readonly platform: NodeJS.Platform;
  /**
   * Every size in the graph is known before it runs. CoreML takes no reshape of anything else and would cut the
   * graph into many pieces, so that the CPU takes its place then.
   */
  readonly fixedShapes: boolean;
}

/** The providers to try for a device, best first; `auto` ends with the CPU. */
export function providersFor({ device, platform, fixedShapes }: ProvidersOptions): readonly Provider[] {
  if (platform === "darwin" && !fixedShapes && (device === "auto" || device === "metal")) return ["cpu"];
  if (device !== "auto") return [CHOSEN[device]];
  return platform === "darwin" ? ["coreml", "cpu"] : ["cuda", "cpu"];
}

/** The choice that leads to a provider. */
export function choiceFor(provider: string): DeviceChoice {
  const chosen = Object.entries(CHOSEN) as [DeviceChoice, Provider][];
  return chosen.find(([, known]) => known === provider)?.[0] ?? "cpu";
}

/** `COREML_FLAG_CREATE_MLPROGRAM`: the format that has layer norm, softmax and GELU. */
const CREATE_ML_PROGRAM = 0x10;

/** A provider as a session's option. Nodes that it does not know run on the CPU in any case. */
export function providerOption(provider: Provider): InferenceSession.ExecutionProviderConfig {
  return provider === "coreml" ? { name: "coreml", coreMlFlags: CREATE_ML_PROGRAM } : provider;
}

const HINTS: Readonly<Record<Exclude<Provider, "cuda">, string>> = {
  cpu: "run `flashsloth verify`; if the model is whole, this is a defect worth reporting",
  coreml: "metal works on Macs with Apple silicon; use --device cpu elsewhere",
  webgpu: "onnxruntime reaches Vulkan through WebGPU and needs a graphics driver; or use --device cpu",
};

/** What to do when a provider that was asked for does not work. */
export function providerHint(provider: Provider): string {
  if (provider !== "cuda") return HINTS[provider];
  // the CUDA libraries come from the package's own install script, which npm no longer runs by itself
  const script = createRequire(import.meta.url).resolve("onnxruntime-node/script/install.js");
  return (
    `CUDA needs Linux, an NVIDIA driver, CUDA 12, cuDNN 9, and onnxruntime's own libraries: ` +
    `run \`node ${script} --onnxruntime-node-install=cuda12\`, or use --device cpu`
  );
}
