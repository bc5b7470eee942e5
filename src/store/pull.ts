import { DEFAULT_MODEL } from "../core/model/default-model.ts";
import { FlashSlothError } from "../core/errors.ts";
import type { Manifest } from "../core/model/manifest.ts";
import { checkVariant, type WantedVariant } from "../core/model/variant.ts";
import { parseModelName, unknownModel } from "./catalogue.ts";
import { repositoryOf } from "./converted.ts";
import type { Converter } from "./converter.ts";
import { storePaths, type StorePaths } from "./home.ts";
import { installHubModel, type InstallReport } from "./hub-model.ts";
import type { Patience } from "./hub/retry.ts";
import type { Environment } from "./hub/settings.ts";
import { readModel } from "./installed.ts";
import { findLocalModel } from "./local.ts";
import type { OnStoreProgress } from "./progress.ts";
import { resolveModel } from "./resolve.ts";
import { untilStopped } from "./stopped.ts";

export interface PullOptions extends WantedVariant {
  /**
   * A name of the catalogue, `demo`, `hf:OWNER/REPO[@REVISION]`, or the folder or `file://` address of a converted model.
   * @default "flashsloth-3.2b"
   */
  readonly model?: string | undefined;
  /** Refuse a checkpoint with tensors that nobody knows; else they are left out. @default false */
  readonly strict?: boolean | undefined;
  /** Keep the checkpoint, in the store's `checkpoints/`, after it was converted. @default false */
  readonly keepCheckpoint?: boolean | undefined;
  readonly onProgress?: OnStoreProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  /** @default the user's store */
  readonly paths?: StorePaths | undefined;
  /** Where `HF_*` are read. @default process.env */
  readonly env?: Environment | undefined;
  /** How long the client waits and how often it tries again; what is absent has its own default. */
  readonly patience?: Partial<Patience> | undefined;
  /** @default the project's own */
  readonly convert?: Converter | undefined;
}

export interface PulledModel {
  readonly name: string;
  readonly directory: string;
  readonly manifest: Manifest;
  /** undefined when the model was there already, or another process made it meanwhile */
  readonly report: InstallReport | undefined;
}

/**
 * Brings a model to this disk: fetched, verified, and converted unless it is converted already. One that is there is left as it is.
 * @throws `usage` for what is no model of the hub and no converted folder, and for a variant that is unknown or cannot be had; `network`, `access`, `model-missing`, `disk`, `checkpoint-invalid`, `interrupted`
 */
export async function pullModel(options: PullOptions = {}): Promise<PulledModel> {
  const { model = DEFAULT_MODEL, paths = storePaths(), signal } = options;
  const named = parseModelName(model);
  checkVariant(options);
  if (named === undefined) return pullFolder(model, { ...options, paths });
  if (named.kind === "demo") {
    const { directory, name } = await resolveModel({ ...options, model, paths });
    return { name, directory, manifest: await readModel(directory), report: undefined };
  }
  const { directory, report } = await untilStopped(signal, async () =>
    installHubModel({ ...options, model: named, paths, fetch: true }),
  );
  const manifest = await readModel(directory);
  const repo = repositoryOf(manifest);
  if (repo !== named.repo) {
    throw new FlashSlothError("model-invalid", `${directory} holds ${repo}, not ${named.repo}`, {
      hint: `run \`flashsloth remove ${named.name}\` and pull it again`,
    });
  }
  return { name: named.name, directory, manifest, report };
}

/** Takes a converted model's folder into the store. */
async function pullFolder(
  model: string,
  options: PullOptions & { readonly paths: StorePaths },
): Promise<PulledModel> {
  const { paths, signal, onProgress, quant, visionPrecision, visionBudget } = options;
  const local = await findLocalModel(model);
  if (local === undefined) throw unknownModel(model);
  if (local.kind === "checkpoint") {
    throw new FlashSlothError("usage", `${model} is a checkpoint, which is not pulled`, {
      hint: `ask it as it is, with -m ${model}: it is converted once; or make a folder to share with \`flashsloth convert\``,
    });
  }
  const { installFolder } = await import("./install-folder.ts");
  const { directory, name, copied } = await untilStopped(signal, async () =>
    installFolder({
      paths,
      directory: local.directory,
      quant,
      visionPrecision,
      visionBudget,
      onProgress,
      signal,
    }),
  );
  const report = copied && {
    size: copied.bytes,
    received: 0,
    cached: copied.bytes,
    converted: true,
    seconds: { download: copied.seconds, convert: 0 },
  };
  return { name, directory, manifest: await readModel(directory), report };
}
