import { existsSync, mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { missingPackage } from "../../src/language/ffi/locate.ts";

/** Where Debian and Ubuntu put SwiftShader, in `chromium-common`, and Mesa's llvmpipe, in `mesa-vulkan-drivers`. */
const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";
const MESA = "/usr/share/vulkan/icd.d";

/**
 * Two Vulkan drivers that compute on the CPU. onnxruntime's WebGPU takes SwiftShader and refuses llvmpipe (it lacks
 * `shaderUniformBufferArrayDynamicIndexing`), llama.cpp's Vulkan takes llvmpipe and refuses SwiftShader (it has no 16-bit storage).
 */
export interface SoftwareDrivers {
  readonly swiftshader: string;
  readonly llvmpipe: string;
}

/** The drivers, or what is missing. */
export function findSoftwareDrivers(): SoftwareDrivers | string {
  if (process.platform !== "linux") return "software drivers are looked for on Linux only";
  const names = existsSync(MESA) ? readdirSync(MESA) : [];
  const llvmpipe = names.find((name) => name.startsWith("lvp_icd") && name.endsWith(".json"));
  if (llvmpipe === undefined) return `llvmpipe is not in ${MESA} (apt-get install mesa-vulkan-drivers)`;
  if (!existsSync(SWIFTSHADER)) return `SwiftShader is not at ${SWIFTSHADER} (apt-get install chromium)`;
  const packageMissing = missingPackage("vulkan");
  if (packageMissing !== undefined) return packageMissing;
  return { swiftshader: SWIFTSHADER, llvmpipe: join(MESA, llvmpipe) };
}

/** Variables with which vision runs on the first of `files` that WebGPU takes, and language on the `visible`-th. */
export function driverVariables(files: readonly string[], visible: number): Record<string, string> {
  const list = files.join(":");
  return {
    VK_DRIVER_FILES: list,
    VK_ICD_FILENAMES: list, // what older loaders read
    GGML_VK_VISIBLE_DEVICES: String(visible), // else llama.cpp passes over devices that are CPUs
    XDG_RUNTIME_DIR: runtimeFolder(),
  };
}

let folder: string | undefined;

function runtimeFolder(): string {
  folder ??= mkdtempSync(join(tmpdir(), "flashsloth-xdg-"));
  mkdirSync(folder, { recursive: true });
  return folder;
}
