import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
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
  /** as it is installed: to compute with `keepBuffers` */
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
  if (!hasCompiler()) return "there is no C compiler, which makes llvmpipe keep its buffers (cc)";
  return { swiftshader: SWIFTSHADER, llvmpipe: join(MESA, llvmpipe) };
}

function hasCompiler(): boolean {
  try {
    execFileSync("cc", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const SOURCE = join(import.meta.dirname, "kept-buffers.c");

/**
 * A driver in `directory` that is the one of the manifest `driver` without its use of freed memory, see `kept-buffers.c`: llama.cpp
 * destroys a scratch buffer whenever it needs a larger one, and llvmpipe would spoil the heap then.
 * @returns its manifest
 */
export function keepBuffers(driver: string, directory: string): string {
  const { ICD } = JSON.parse(readFileSync(driver, "utf8")) as {
    readonly ICD: { readonly library_path: string };
  };
  const path = ICD.library_path;
  const library = path.startsWith(".") ? resolve(dirname(driver), path) : path;
  const kept = join(directory, "libkept-buffers.so");
  const define = `-DDRIVER="${library}"`;
  execFileSync("cc", ["-O1", "-shared", "-fPIC", define, "-o", kept, SOURCE, "-ldl"], { stdio: "pipe" });
  const manifest = join(directory, "kept-buffers.json");
  writeFileSync(
    manifest,
    JSON.stringify({ file_format_version: "1.0.0", ICD: { ...ICD, library_path: kept } }),
  );
  return manifest;
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
