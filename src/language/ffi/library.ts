import type { Backend } from "../../core/model/device.ts";
import { FlashSlothError, messageOf } from "../../core/errors.ts";
import { LLAMA_RELEASE } from "./abi.ts";
import { deviceFeatures } from "./features.ts";
import { bindFunctions, openLibraries, type LlamaFunctions } from "./functions.ts";
import { locateNative, type NativeFiles } from "./locate.ts";

/** enum ggml_backend_dev_type, as far as it names a GPU */
const GPU_TYPES: ReadonlySet<number> = new Set([1, 2]);

export interface LlamaLibrary {
  readonly backend: Backend;
  readonly files: NativeFiles;
  readonly functions: LlamaFunctions;
  /** llama.cpp's own version text */
  readonly version: string;
  readonly devices: readonly GgmlDevice[];
}

/** What ggml found. */
export interface GgmlDevice {
  readonly name: string;
  readonly description: string;
  readonly gpu: boolean;
  /** what its kernels were compiled for and use, such as `AVX512` or `AMX_INT8` */
  readonly features: readonly string[];
}

let loaded: LlamaLibrary | undefined;

/** The backend that this process holds llama.cpp for. @returns undefined before it was loaded */
export function loadedBackend(): Backend | undefined {
  return loaded?.backend;
}

/**
 * Loads llama.cpp once a process; a second call must ask for the same backend, since ggml's device registry is global, or for the
 * CPU, which every build computes on.
 *
 * Set `FLASHSLOTH_NATIVE_LOG=1` to see llama.cpp's own log on stderr.
 * @throws `native` when the libraries are missing, do not load, or are of another release than `LLAMA_RELEASE`
 */
export async function loadLlama(backend: Backend): Promise<LlamaLibrary> {
  if (loaded !== undefined) {
    if (loaded.backend === backend || backend === "cpu") return loaded;
    throw new FlashSlothError("native", `llama.cpp is already loaded for ${loaded.backend}, not ${backend}`);
  }
  const files = await locateNative(backend);
  loaded = open(files);
  return loaded;
}

function open(files: NativeFiles): LlamaLibrary {
  let functions: LlamaFunctions;
  let silence: bigint;
  try {
    const libraries = openLibraries(files);
    functions = bindFunctions(libraries);
    silence = libraries.llama.symbol("llama_supports_mmap") as bigint;
  } catch (error) {
    throw new FlashSlothError(
      "native",
      `llama.cpp's ${files.backend} libraries did not load: ${messageOf(error)}`,
      {
        cause: error,
        hint: `check that every file in ${files.directory} is readable; flashsloth --device cpu uses the plain build`,
      },
    );
  }
  const version = functions.llama_version();
  if (version.split("-")[0] !== LLAMA_RELEASE) {
    throw new FlashSlothError("native", `llama.cpp ${version} is installed, and ${LLAMA_RELEASE} is needed`, {
      hint: "install flashsloth again: its package.json names the release",
    });
  }
  if (process.env["FLASHSLOTH_NATIVE_LOG"] !== "1") {
    // A log callback may be called from any of llama.cpp's threads, where JavaScript cannot run. A native
    // function that takes no arguments and does nothing is a valid and silent one under every C calling convention.
    functions.llama_log_set(silence, null);
    functions.ggml_log_set(silence, null);
  }
  functions.ggml_backend_load_all_from_path(files.directory);
  functions.llama_backend_init();
  return { backend: files.backend, files, functions, version, devices: listDevices(functions) };
}

function listDevices(functions: LlamaFunctions): LlamaLibrary["devices"] {
  return Array.from({ length: functions.ggml_backend_dev_count() }, (_, index) => {
    const device = functions.ggml_backend_dev_get(index);
    return {
      name: functions.ggml_backend_dev_name(device),
      description: functions.ggml_backend_dev_description(device),
      gpu: GPU_TYPES.has(functions.ggml_backend_dev_type(device)),
      features: deviceFeatures(functions, device),
    };
  });
}
