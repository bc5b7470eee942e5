import koffi from "koffi";
import { getFeaturesType, structType } from "./abi.ts";
import type { LlamaFunctions, Pointer } from "./functions.ts";

/** What a device's kernels were compiled for and use, in ggml's names; none where ggml does not tell. */
export function deviceFeatures(functions: LlamaFunctions, device: Pointer): string[] {
  const registration = functions.ggml_backend_dev_backend_reg(device);
  const list = functions.ggml_backend_reg_get_proc_address(registration, "ggml_backend_get_features");
  if (list === null) return [];
  const feature = structType("ggml_backend_feature");
  const names: string[] = [];
  for (let at = koffi.call(list, getFeaturesType(), registration) as Pointer; ;) {
    const { name, value } = koffi.decode(at, feature) as { name: string | null; value: string };
    if (name === null) return names;
    if (value !== "0") names.push(name);
    at += BigInt(koffi.sizeof(feature));
  }
}
