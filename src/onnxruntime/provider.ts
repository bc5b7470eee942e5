import { existsSync } from "node:fs";
import { join } from "node:path";
import type { InferenceSession } from "onnxruntime-node";
import type { Provider } from "../core/model/device.ts";
import { installedOnnxRuntime } from "./installed.ts";

/** `COREML_FLAG_CREATE_MLPROGRAM`: the format that has layer norm, softmax and GELU. */
const CREATE_ML_PROGRAM = 0x10;

/** A provider as a session's option. Nodes that it does not know run on the CPU in any case. */
export function providerOption(provider: Provider): InferenceSession.ExecutionProviderConfig {
  return provider === "coreml" ? { name: "coreml", coreMlFlags: CREATE_ML_PROGRAM } : provider;
}

const HINTS: Readonly<Record<Exclude<Provider, "cuda">, string>> = {
  cpu: "run `flashsloth verify`; if the model is whole, this is a defect worth reporting",
  coreml: "CoreML works on Macs with Apple silicon; use --vision-device cpu elsewhere",
  webgpu:
    "onnxruntime reaches a GPU through WebGPU, which needs a graphics driver; or use --vision-device cpu",
};

/** What to do when a provider that was asked for does not work. */
export function providerHint(provider: Provider): string {
  if (provider !== "cuda") return HINTS[provider];
  // the CUDA libraries come from onnxruntime-node's own install script, which npm no longer runs by itself
  const { release, script } = installedOnnxRuntime();
  const fetching =
    script === undefined
      ? `install onnxruntime-node@${release} beside flashsloth (npm install -g onnxruntime-node@${release})`
      : `run \`node ${script} --onnxruntime-node-install=cuda12\``;
  return (
    `CUDA needs Linux, an NVIDIA driver, CUDA 12, cuDNN 9, and onnxruntime's own libraries: ` +
    `${fetching}, or use --vision-device webgpu or cpu`
  );
}

/** Why a provider cannot work here, as far as that is known without loading onnxruntime. */
export function unavailableProvider(provider: Provider): string | undefined {
  const { platform, arch } = process;
  if (provider === "coreml") {
    return platform === "darwin" && arch === "arm64"
      ? undefined
      : `there is no CoreML on ${platform} ${arch}`;
  }
  if (provider !== "cuda") return undefined;
  if (platform !== "linux" || arch !== "x64") return `onnxruntime has no CUDA for ${platform} ${arch}`;
  const library = join(installedOnnxRuntime().libraries, "libonnxruntime_providers_cuda.so");
  return existsSync(library) ? undefined : "onnxruntime's CUDA libraries are not there";
}
