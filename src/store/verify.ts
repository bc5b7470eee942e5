import { join } from "node:path";
import { FlashSlothError, systemCode } from "../core/errors.ts";
import { readManifest, variantOf, type Manifest } from "../core/model/manifest.ts";
import { visionAccuracy, type VisionAccuracy } from "../core/model/vision-accuracy.ts";
import { DEFAULT_QUANT, variantFlags } from "../core/model/variant.ts";
import { DEMO_MODEL, parseModelName } from "./catalogue.ts";
import { storePaths, type StorePaths } from "./home.ts";
import { fileMatches } from "./hub/digest.ts";
import { findLocalModel } from "./local.ts";
import { modelsNamed } from "./named.ts";
import type { OnStoreProgress } from "./progress.ts";
import { untilStopped } from "./stopped.ts";

export interface VerifyOptions {
  /** A name that `flashsloth list` shows, or the folder of a converted model. */
  readonly model: string;
  readonly paths?: StorePaths | undefined;
  readonly onProgress?: OnStoreProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface VerifiedFile {
  readonly name: string;
  readonly state: "ok" | "missing" | "unreadable" | "changed";
}

export interface VerifiedModel {
  readonly name: string;
  readonly directory: string;
  readonly quant: string;
  /** the vision encoder's precision, and its error against fp32 as it was measured when the model was converted */
  readonly vision: VisionAccuracy;
  readonly ok: boolean;
  readonly files: readonly VerifiedFile[];
  /** what to do about it, as a sentence; undefined when all is well */
  readonly advice: string | undefined;
}

/**
 * Reads every file of a model again and compares its hash with the manifest.
 * @returns one result for each variant of that name
 * @throws `model-missing` when no such model is on this disk; `model-invalid` when its manifest is damaged; `interrupted`
 */
export async function verifyModel(options: VerifyOptions): Promise<VerifiedModel[]> {
  const { model, paths = storePaths(), signal } = options;
  return untilStopped(signal, async () => {
    const directories = (await modelsNamed(model, paths)).map(({ directory }) => directory);
    if (directories.length === 0) directories.push(await convertedFolder(model));
    const results: VerifiedModel[] = [];
    for (const directory of directories) results.push(await verifyFolder(directory, model, options));
    return results;
  });
}

async function convertedFolder(model: string): Promise<string> {
  const local = parseModelName(model) === undefined ? await findLocalModel(model) : undefined;
  if (local?.kind === "converted") return local.directory;
  throw new FlashSlothError("model-missing", `${model} is not on this disk`, {
    hint: "`flashsloth list` shows what is",
  });
}

async function verifyFolder(
  directory: string,
  model: string,
  options: VerifyOptions,
): Promise<VerifiedModel> {
  const { onProgress, signal } = options;
  const manifest = await readManifest(directory);
  const files: VerifiedFile[] = [];
  const total = manifest.files.reduce((sum, file) => sum + file.size, 0);
  let before = 0;
  for (const file of manifest.files) {
    let state: VerifiedFile["state"];
    const digest = { kind: "sha256", hex: file.sha256 } as const;
    try {
      const same = await fileMatches(join(directory, file.name), file.size, digest, {
        onBytes: (done) =>
          onProgress?.({ stage: "verify", file: file.name, done: Math.min(before + done, total), total }),
        signal,
      });
      state = same ? "ok" : "changed";
    } catch (error) {
      signal?.throwIfAborted();
      state = systemCode(error) === "ENOENT" ? "missing" : "unreadable";
    }
    before += file.size;
    files.push({ name: file.name, state });
  }
  const ok = files.every(({ state }) => state === "ok");
  const { name, quant } = manifest;
  const vision = visionAccuracy(manifest);
  return { name, directory, quant, vision, ok, files, advice: ok ? undefined : advise(manifest, model) };
}

function advise(manifest: Manifest, model: string): string {
  const named = parseModelName(manifest.name);
  if (named?.kind === "hub") {
    const { quant, ...vision } = variantOf(manifest);
    const flags = variantFlags({ quant: quant === DEFAULT_QUANT ? undefined : quant, ...vision });
    return `run \`flashsloth remove ${named.name}\`, then \`flashsloth pull ${named.name}${flags}\``;
  }
  if (named?.kind === "demo") {
    return `run \`flashsloth remove ${DEMO_MODEL}\`: it is made again on its next use`;
  }
  return `remove ${model} and convert ${manifest.source.repo} again`;
}
