import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { stagingFolder } from "../convert/staging.ts";
import type { WantedVariant } from "../core/variant.ts";
import { convertWithProject, type Converter } from "./converter.ts";
import type { StorePaths } from "./home.ts";
import { folderSize } from "./folder-size.ts";
import { variantSuffix } from "./hub-folder.ts";
import { installModel } from "./install.ts";
import type { OnStoreProgress } from "./progress.ts";
import { explainFullDisk } from "./space.ts";

/** A weight type that is left open is the converter's choice. */
export interface InstallCheckpointOptions extends WantedVariant {
  readonly paths: StorePaths;
  /** folder of the checkpoint */
  readonly checkpoint: string;
  /** beginning of the model's folder in the store */
  readonly base: string;
  /** changes when the checkpoint does */
  readonly version: string;
  readonly name: string;
  readonly source: { readonly repo: string; readonly revision: string | null };
  readonly onProgress?: OnStoreProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly convert?: Converter | undefined;
}

/** A fingerprint as a folder's name holds it: 64 bits, no accident within one store. */
export function shortVersion(fingerprint: string): string {
  return fingerprint.slice(0, 16);
}

/** What a folder's name has after its version, which is hexadecimal. */
function suffixIn(folder: string): string {
  return folder.slice(folder.lastIndexOf("@") + 1).replace(/^[0-9a-f]*/, "");
}

async function weightBytes(checkpoint: string): Promise<number> {
  let sum = 0;
  for (const name of await readdir(checkpoint)) {
    if (name.endsWith(".safetensors")) sum += (await stat(join(checkpoint, name))).size;
  }
  return sum;
}

/**
 * The store's conversion of a checkpoint that is on this disk already, made when it is not there; older makes of the same
 * checkpoint are removed then.
 * @throws what the converter throws; `disk` with what is needed and what is there; the signal's reason
 */
export async function installCheckpoint(options: InstallCheckpointOptions): Promise<string> {
  const { paths, checkpoint, base, version, name, source } = options;
  const { quant, visionPrecision, visionBudget, calibrate } = options;
  const { onProgress, signal, convert = convertWithProject } = options;
  const suffix = variantSuffix(options);
  return installModel({
    paths,
    folder: `${base}@${version}${suffix}`,
    name,
    progressKey: version,
    supersedes: ({ folder, manifest }) => manifest.source.repo === source.repo && suffixIn(folder) === suffix,
    build: async (out) => {
      // most runs find their model on the disk and convert nothing
      const { estimateConversion } = await import("../convert/space.ts");
      const finished = await folderSize(stagingFolder(out));
      const toConvert = estimateConversion(await weightBytes(checkpoint), {
        quant,
        visionPrecision,
        finished,
      });
      const need = { home: paths.home, toFetch: 0, toConvert };
      const variant = { quant, visionPrecision, visionBudget, calibrate };
      try {
        await convert({ checkpoint, out, name, source, ...variant, onProgress, signal });
      } catch (error) {
        throw await explainFullDisk(error, need);
      }
    },
    onProgress,
    signal,
  });
}
