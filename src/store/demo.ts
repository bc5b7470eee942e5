import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CONFIG_FILE } from "../checkpoint/file-names.ts";
import { FlashSlothError } from "../core/errors.ts";
import { FILES } from "../convert/files.ts";
import { FORMAT_VERSION } from "../core/model/manifest.ts";
import { PRODUCT } from "../core/version.ts";
import { shortVersion } from "./install-checkpoint.ts";

/** `source.repo` in the manifest of the model that ships with the package. */
export const DEMO_REPO = "flashsloth/demo" as const;

/** The shipped checkpoint: beside this file in the sources, and in the package's sources when this file runs from `dist/`. */
export function demoCheckpoint(): string {
  for (const relative of ["./demo/checkpoint", "../../src/store/demo/checkpoint"]) {
    const directory = fileURLToPath(new URL(relative, import.meta.url));
    if (existsSync(join(directory, CONFIG_FILE))) return directory;
  }
  throw new FlashSlothError("model-missing", "the demo model is not in this installation", {
    hint: "install flashsloth again",
  });
}

/** Changes when an upgrade brings other weights, or a release or a format that converts them otherwise. */
export async function demoVersion(): Promise<string> {
  const directory = demoCheckpoint();
  const made = `${PRODUCT}, format ${FORMAT_VERSION}, ${Object.values(FILES).join(" ")}\n`;
  const hash = createHash("sha256").update(made);
  for (const name of (await readdir(directory)).sort()) {
    const bytes = await readFile(join(directory, name));
    hash.update(`${name} ${bytes.byteLength}\n`).update(bytes);
  }
  return shortVersion(hash.digest("hex"));
}
