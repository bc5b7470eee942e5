import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FlashSlothError } from "../core/errors.ts";
import { contentFingerprint } from "./fingerprint.ts";

/** `source.repo` in the manifest of the model that ships with the package. */
export const DEMO_REPO = "flashsloth/demo" as const;

/** The shipped checkpoint: beside this file in the sources, and in the package's sources when this file runs from `dist/`. */
export function demoCheckpoint(): string {
  for (const relative of ["./demo/checkpoint", "../../src/store/demo/checkpoint"]) {
    const directory = fileURLToPath(new URL(relative, import.meta.url));
    if (existsSync(join(directory, "config.json"))) return directory;
  }
  throw new FlashSlothError("model-missing", "the demo model is not in this installation", {
    hint: "install flashsloth again",
  });
}

/** Changes when an upgrade brings other weights or another format of converted models. */
export async function demoVersion(): Promise<string> {
  return contentFingerprint(demoCheckpoint());
}
