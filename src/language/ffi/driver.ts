import koffi from "koffi";
import type { Backend } from "../../core/model/device.ts";
import { messageOf } from "../../core/errors.ts";

/** The driver library that each GPU backend of llama.cpp needs, by platform: probing it costs milliseconds. */
const DRIVERS: Readonly<Partial<Record<Backend, Partial<Record<NodeJS.Platform, string>>>>> = {
  cuda: { linux: "libcuda.so.1", win32: "nvcuda.dll" },
  vulkan: { linux: "libvulkan.so.1", win32: "vulkan-1.dll" },
};

/** Why a backend's driver cannot be used, or undefined when it loads or none is needed. */
export function missingDriver(backend: Backend): string | undefined {
  const driver = DRIVERS[backend]?.[process.platform];
  if (driver === undefined) return undefined;
  try {
    koffi.load(driver).unload();
    return undefined;
  } catch (error) {
    return `the driver ${driver} is not there (${messageOf(error)})`;
  }
}
