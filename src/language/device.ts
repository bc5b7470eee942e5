import type { Backend } from "../core/model/device.ts";
import { FlashSlothError } from "../core/errors.ts";
import { missingDriver } from "./ffi/driver.ts";
import { missingPackage } from "./ffi/locate.ts";
import { loadLlama, type LlamaLibrary } from "./ffi/library.ts";

export { loadedBackend } from "./ffi/library.ts";

export interface LanguageDevice {
  readonly library: LlamaLibrary;
  readonly device: Backend;
  /** layers to put on it: all or none */
  readonly gpuLayers: number;
  /** what ggml calls it, a CPU with the build that it chose for it */
  readonly about: string;
  /** what its kernels use, such as `AMX_INT8` */
  readonly features: readonly string[];
}

/**
 * Loads llama.cpp for a backend; a process can hold only one, and computes on the CPU with any.
 * @throws `device` when a backend other than the CPU does not work here; `native` when llama.cpp itself does not load
 */
export async function openLanguageDevice(backend: Backend): Promise<LanguageDevice> {
  const reason = unavailableBackend(backend);
  if (reason !== undefined) throw refuse(backend, reason);
  const library = await loadLlama(backend);
  if (backend !== "cpu" && !library.devices.some((device) => device.gpu)) {
    throw refuse(backend, "llama.cpp finds no such device");
  }
  const found = library.devices.find(({ gpu }) => gpu === (backend !== "cpu"));
  const { description: about = "", features = [] } = found ?? {};
  return { library, device: backend, gpuLayers: backend === "cpu" ? 0 : -1, about, features };
}

/** Why a backend cannot work here, as far as that is known without loading it. */
export function unavailableBackend(backend: Backend): string | undefined {
  return missingDriver(backend) ?? missingPackage(backend);
}

function refuse(backend: Backend, reason: string): FlashSlothError {
  return new FlashSlothError("device", `${backend} does not work for llama.cpp here: ${reason}`, {
    hint: "use --language-device cpu, or --device auto",
  });
}
