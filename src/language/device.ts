import type { DeviceChoice } from "../core/device.ts";
import { FlashSlothError } from "../core/errors.ts";
import { missingDriver } from "./ffi/driver.ts";
import { knownBackends, type Backend } from "./ffi/locate.ts";
import { loadLlama, type LlamaLibrary } from "./ffi/library.ts";

/** Tried in this order by `auto`; the CPU build always comes last. */
const AUTO_ORDER: readonly Backend[] = ["metal", "cuda", "vulkan", "cpu"];

export interface LanguageDevice {
  readonly library: LlamaLibrary;
  /** what computes: `cpu`, `cuda`, `metal`, `vulkan` */
  readonly device: Backend;
  /** layers to put on it: all or none */
  readonly gpuLayers: number;
  /** why something better was not taken */
  readonly notes: readonly string[];
}

/**
 * Loads llama.cpp for the wanted device.
 * @throws `device` when a device other than `auto` does not work here; `native` when llama.cpp itself does not load
 */
export async function openLanguageDevice(choice: DeviceChoice): Promise<LanguageDevice> {
  if (choice !== "auto") {
    const reason = unavailable(choice);
    if (reason !== undefined) throw refuse(choice, reason);
    const library = await loadLlama(choice);
    if (choice !== "cpu" && !hasGpu(library)) throw refuse(choice, "llama.cpp finds no such device");
    return { library, device: choice, gpuLayers: choice === "cpu" ? 0 : -1, notes: [] };
  }
  const notes: string[] = [];
  for (const backend of AUTO_ORDER) {
    if (backend !== "cpu" && !knownBackends().includes(backend)) continue;
    const reason = unavailable(backend);
    if (reason !== undefined) {
      notes.push(`language: ${backend} not used: ${reason}`);
      continue;
    }
    const library = await loadLlama(backend);
    if (backend === "cpu") return { library, device: backend, gpuLayers: 0, notes };
    if (hasGpu(library)) return { library, device: backend, gpuLayers: -1, notes };
    // Each build carries the CPU backend too, and a process can hold only one build: stay with this one.
    notes.push(`language: ${backend} not used: llama.cpp finds no such device`);
    return { library, device: "cpu", gpuLayers: 0, notes };
  }
  throw new FlashSlothError("native", "llama.cpp has no build for this platform");
}

function hasGpu(library: LlamaLibrary): boolean {
  return library.devices.some((device) => device.gpu);
}

function refuse(choice: Backend, reason: string): FlashSlothError {
  return new FlashSlothError("device", `--device ${choice} does not work here: ${reason}`, {
    hint: "use --device auto or --device cpu",
  });
}

function unavailable(backend: Backend): string | undefined {
  if (!knownBackends().includes(backend)) return `llama.cpp has no ${backend} build for this platform`;
  return missingDriver(backend);
}
