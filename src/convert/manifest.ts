import { createHash } from "node:crypto";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CheckpointConfig, Tokenizer } from "../checkpoint/types.ts";
import { onDisk } from "../core/files/disk.ts";
import { hashFile } from "../core/files/hash-file.ts";
import {
  MANIFEST_FILE,
  type Manifest,
  type ManifestFile,
  type ModelGeometry,
} from "../core/model/manifest.ts";
import { throwIfAborted, type OnWritten } from "./progress.ts";

/** The sizes that the runtime needs. */
export function modelGeometry(config: CheckpointConfig, tokenizer: Tokenizer): ModelGeometry {
  const { text, vision, sap, embq } = config;
  return {
    imageSize: vision.imageSize,
    crops: config.hd ? "tiles" : "squash",
    featuresPerCrop: vision.grid ** 2,
    featureWidth: vision.hiddenSize,
    tokensPerCrop: (vision.grid / sap.window) ** 2,
    hiddenSize: text.hiddenSize,
    layers: text.layers,
    vocabSize: text.vocabSize,
    contextLength: text.contextLength,
    queries: embq.queries,
    embqLayer: embq.layer,
    endTokens: [...new Set([tokenizer.eos, tokenizer.endOfText])],
    layerSizes: {
      visionLayers: vision.layers,
      visionIntermediate: vision.intermediateSize,
      patchSize: vision.patchSize,
      intermediateSize: text.intermediateSize,
      embqWidth: embq.width,
      embqValueWidth: embq.valueWidth,
    },
  };
}

export interface DescribeFilesOptions {
  readonly directory: string;
  readonly names: readonly string[];
  /** @default nobody */
  readonly onProgress?: OnWritten | undefined;
  /** @default never stops */
  readonly signal?: AbortSignal | undefined;
}

/** Size and sha256 of files, read in pieces. */
export async function describeFiles(options: DescribeFilesOptions): Promise<ManifestFile[]> {
  const { directory, names, signal } = options;
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let written = 0;
  const files: ManifestFile[] = [];
  for (const name of names) {
    const hash = createHash("sha256");
    const size = await hashFile(join(directory, name), hash, {
      onBytes: (done) => {
        throwIfAborted(signal);
        options.onProgress?.({ written: written + done, total });
      },
    });
    written += size;
    files.push({ name, size, sha256: hash.digest("hex") });
  }
  return files;
}

/** Size alone, with an empty hash. */
export async function measureFiles(
  options: Pick<DescribeFilesOptions, "directory" | "names">,
): Promise<ManifestFile[]> {
  const { directory, names } = options;
  return await Promise.all(
    names.map(async (name) => ({ name, size: (await stat(join(directory, name))).size, sha256: "" })),
  );
}

/** Writes `manifest.json` and waits until the disk has it. @throws `disk` */
export async function writeManifest(directory: string, manifest: Manifest): Promise<void> {
  const path = join(directory, MANIFEST_FILE);
  await onDisk(path, writeFile(path, `${JSON.stringify(manifest, undefined, 2)}\n`, { flush: true }));
}
