import { FlashSlothError } from "../core/errors.ts";
import { readManifest } from "../core/manifest.ts";
import { looksLikePath, findLocalModel, type LocalModel } from "./local.ts";
import { DEMO_MODEL, parseModelName, unknownModel, type HubModel } from "./catalogue.ts";
import { convertWithProject, type Converter } from "./converter.ts";
import { DEMO_REPO, demoCheckpoint, demoVersion } from "./demo.ts";
import { folderFingerprint } from "./fingerprint.ts";
import { storePaths, type StorePaths } from "./home.ts";
import { installModel } from "./install.ts";
import { readModel } from "./installed.ts";
import type { OnStoreProgress } from "./progress.ts";

export interface ResolveOptions {
  /** A name of the catalogue, `demo`, `hf:OWNER/REPO[@REVISION]`, or a folder (converted, or a checkpoint). */
  readonly model: string;
  /** Whether a model that is not on this disk may be fetched. @default true, unless `HF_HUB_OFFLINE` is set */
  readonly download?: boolean | undefined;
  /** Weight type of the language model. @default q4_k_m for the hub's models, else what the checkpoint holds */
  readonly quant?: string | undefined;
  readonly onProgress?: OnStoreProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  /** @default the user's store */
  readonly paths?: StorePaths | undefined;
  /** @default the project's own */
  readonly convert?: Converter | undefined;
}

export interface ResolvedModel {
  /** a converted model's folder */
  readonly directory: string;
  readonly name: string;
  /** the model that ships with the package, which knows drawings of coloured shapes and nothing else */
  readonly demo: boolean;
}

/** Separates a model's folder from its quantisation or version. */
function folderOf(base: string, version: string, quant: string | undefined): string {
  return `${base}@${version}${quant === undefined ? "" : `.${quant}`}`;
}

function sameQuant(folder: string, quant: string | undefined): boolean {
  const version = folder.slice(folder.lastIndexOf("@") + 1);
  return version.split(".")[1] === quant;
}

async function resolveDemo(options: ResolveOptions, paths: StorePaths): Promise<ResolvedModel> {
  const { quant, onProgress, signal, convert = convertWithProject } = options;
  const version = await demoVersion();
  const directory = await installModel({
    paths,
    folder: folderOf(DEMO_MODEL, version, quant),
    name: DEMO_MODEL,
    progressKey: version,
    supersedes: (other) => other.manifest.source.repo === DEMO_REPO && sameQuant(other.folder, quant),
    build: async (out) =>
      convert({
        checkpoint: demoCheckpoint(),
        out,
        name: DEMO_MODEL,
        source: { repo: DEMO_REPO, revision: version },
        quant,
        onProgress,
        signal,
      }),
    onProgress,
    signal,
  });
  return { directory, name: DEMO_MODEL, demo: true };
}

async function resolveLocal(
  local: LocalModel,
  options: ResolveOptions,
  paths: StorePaths,
): Promise<ResolvedModel> {
  if (local.kind === "converted") {
    const manifest = await readModel(local.directory);
    return {
      directory: local.directory,
      name: manifest.name,
      demo: manifest.source.repo === DEMO_REPO,
    };
  }
  const { quant, onProgress, signal, convert = convertWithProject } = options;
  const version = await folderFingerprint(local.directory);
  const directory = await installModel({
    paths,
    folder: folderOf(`folder-${local.name}`, version, quant),
    name: local.name,
    progressKey: version,
    supersedes: ({ folder, manifest }) =>
      manifest.source.repo === local.directory && sameQuant(folder, quant),
    build: async (out) =>
      convert({
        checkpoint: local.directory,
        out,
        name: local.name,
        source: { repo: local.directory, revision: null },
        quant,
        onProgress,
        signal,
      }),
    onProgress,
    signal,
  });
  return { directory, name: (await readManifest(directory)).name, demo: false };
}

function missing(model: HubModel): FlashSlothError {
  return new FlashSlothError("model-missing", `${model.name} is not on this disk`, {
    hint: `fetch it with \`flashsloth pull ${model.name}\`, or try the demo model: -m ${DEMO_MODEL}`,
  });
}

/**
 * The folder of a model that can be loaded, made on first use: the demo and checkpoints in a folder are converted into
 * the store, models of the hub are fetched first.
 * @throws `usage` for a name that is unknown; `model-missing` when it may not or cannot be fetched; `model-invalid`,
 * `checkpoint-invalid` for a damaged folder; `disk`
 */
export async function resolveModel(options: ResolveOptions): Promise<ResolvedModel> {
  const { model, paths = storePaths() } = options;
  if (model.trim() === "") throw unknownModel(model);
  const named = parseModelName(model);
  if (named?.kind === "demo") return resolveDemo(options, paths);
  if (named !== undefined) throw missing(named);
  const local = await findLocalModel(model);
  if (local !== undefined) return resolveLocal(local, options, paths);
  if (looksLikePath(model)) {
    throw new FlashSlothError("usage", `no such folder: ${model}`, {
      hint: "name a converted model's folder or a checkpoint's, or see `flashsloth list` for names",
    });
  }
  throw unknownModel(model);
}
