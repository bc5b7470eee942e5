import type { Backend, Provider } from "../../core/model/device.ts";
import { mayHaveGpu, missingVulkan, type DriversOptions } from "../../core/machine/drivers.ts";
import { unavailableBackend } from "../../language/device.ts";
import { unavailableProvider } from "../../onnxruntime/provider.ts";

/** Why a device cannot be there, as far as files tell. @param sparing nothing can be there where there can be no GPU */
export function absentReason(
  side: "vision" | "language",
  device: Provider | Backend,
  sparing: boolean,
  options: DriversOptions,
): string | undefined {
  const { platform = process.platform } = options;
  if (device === "cpu") return undefined;
  if (sparing && !mayHaveGpu(options)) return "this machine has no GPU";
  const onVulkan = device === "vulkan" || (device === "webgpu" && platform === "linux");
  const vulkan = onVulkan ? missingVulkan(options) : undefined;
  if (vulkan !== undefined) return vulkan;
  return side === "vision" ? unavailableProvider(device as Provider) : unavailableBackend(device as Backend);
}
