import type { EngineOptions } from "../engine/api.ts";
import { storePaths } from "../store/home.ts";
import type { ModelFlags } from "./commands/shared.ts";

/** Where a command line wants an engine to compute, and where it is known which devices are sound. */
export function deviceOptions({
  device,
  visionDevice,
  languageDevice,
}: Pick<ModelFlags, "device" | "visionDevice" | "languageDevice">): Pick<
  EngineOptions,
  "device" | "visionDevice" | "languageDevice" | "verdicts"
> {
  return { device, visionDevice, languageDevice, verdicts: storePaths().verdicts };
}
