import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { InferenceSession } from "onnxruntime-node";
import type { Provider } from "../core/device.ts";

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
  // the CUDA libraries come from the package's own install script, which npm no longer runs by itself
  const script = createRequire(import.meta.url).resolve("onnxruntime-node/script/install.js");
  return (
    `CUDA needs Linux, an NVIDIA driver, CUDA 12, cuDNN 9, and onnxruntime's own libraries: ` +
    `run \`node ${script} --onnxruntime-node-install=cuda12\`, or use --vision-device webgpu or cpu`
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
  const binding = createRequire(import.meta.url).resolve(
    `onnxruntime-node/bin/napi-v6/${platform}/${arch}/onnxruntime_binding.node`,
  );
  const library = join(dirname(binding), "libonnxruntime_providers_cuda.so");
  return existsSync(library) ? undefined : "onnxruntime's CUDA libraries are not there";
}
