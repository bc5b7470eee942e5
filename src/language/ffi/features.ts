import koffi from "koffi";
import type { LlamaFunctions, Pointer } from "./functions.ts";

/** `struct ggml_backend_feature` (`ggml/include/ggml-backend.h`): two strings */
const FEATURE_BYTES = 2n * BigInt(koffi.sizeof("void *"));

/** What a device's kernels were compiled for and use, in ggml's names; none where ggml does not tell. */
export function deviceFeatures(functions: LlamaFunctions, device: Pointer): string[] {
  const registration = functions.ggml_backend_dev_backend_reg(device);
  const list = functions.ggml_backend_reg_get_proc_address(registration, "ggml_backend_get_features");
  if (list === null) return [];
  const names: string[] = [];
  // ends with a null name
  let at = koffi.call(list, featuresType, registration) as Pointer;
  for (; ; at += FEATURE_BYTES) {
    const name = koffi.decode(at, "const char *") as string | null;
    if (name === null) return names;
    if (koffi.decode(at + FEATURE_BYTES / 2n, "const char *") !== "0") names.push(name);
  }
}

/** `ggml_backend_get_features_t` */
const featuresType = koffi.proto("void *ggml_backend_get_features_t(void *registration)");
