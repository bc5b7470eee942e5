import { DiskFolder } from "../core/files/folder-files.ts";
import { finishedNames } from "../convert/finished.ts";
import { stagingFolder } from "../convert/staging.ts";
import type { WantedVariant } from "../core/model/variant.ts";
import { projectConverter, type Converter } from "./converter.ts";
import type { StorePaths } from "./home.ts";
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
  /** Runs the conversion with the vision tower that the checkpoint's folder may lack. @default it is there */
  readonly withVisionTower?: (<T>(work: (path: string | undefined) => Promise<T>) => Promise<T>) | undefined;
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

/** What a conversion that met a full disk still needs; 0 where the checkpoint itself cannot be read any more. */
async function bytesToConvert(options: InstallCheckpointOptions, out: string): Promise<number> {
  const { checkpoint, quant, visionPrecision, convert = projectConverter } = options;
  const finished = await finishedNames(stagingFolder(out));
  const files = new DiskFolder(checkpoint);
  const examined = await convert.examine({ files, quant, visionPrecision, finished }).catch(() => undefined);
  await examined?.close();
  return examined?.peak ?? 0;
}

/**
 * The store's conversion of a checkpoint that is on this disk already, made when it is not there; older makes of the same
 * checkpoint are removed then.
 * @throws what the converter throws; `disk` with what is needed and what is there; the signal's reason
 */
export async function installCheckpoint(options: InstallCheckpointOptions): Promise<string> {
  const { paths, checkpoint, base, version, name, source } = options;
  const { quant, visionPrecision, visionBudget, calibrate } = options;
  const { withVisionTower, onProgress, signal, convert = projectConverter } = options;
  const suffix = variantSuffix(options);
  return installModel({
    paths,
    folder: `${base}@${version}${suffix}`,
    name,
    progressKey: version,
    supersedes: ({ folder, manifest }) => manifest.source.repo === source.repo && suffixIn(folder) === suffix,
    build: async (out) => {
      const variant = { quant, visionPrecision, visionBudget, calibrate };
      const request = { checkpoint, out, name, source, ...variant, onProgress, signal };
      try {
        if (withVisionTower === undefined) await convert.convert(request);
        else await withVisionTower(async (visionTower) => convert.convert({ ...request, visionTower }));
      } catch (error) {
        const toConvert = await bytesToConvert(options, out);
        throw await explainFullDisk(error, { home: paths.home, toFetch: 0, toConvert });
      }
    },
    onProgress,
    signal,
  });
}
