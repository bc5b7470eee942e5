import { isAbsolute, join } from "node:path";
import { FlashSlothError } from "../core/errors.ts";
import { folderFingerprint } from "../core/files/fingerprint.ts";
import { FORMAT_VERSION, variantOf, type Manifest } from "../core/model/manifest.ts";
import {
  checkVariant,
  showVariant,
  type Variant,
  variantFlags,
  type WantedVariant,
} from "../core/model/variant.ts";
import { looksLikePath, findLocalModel, type LocalModel } from "./local.ts";
import { DEMO_MODEL, parseModelName, unknownModel, type HubModel } from "./catalogue.ts";
import type { Converter } from "./converter.ts";
import { DEMO_REPO, demoCheckpoint, demoVersion } from "./demo.ts";
import { untilStopped } from "./stopped.ts";
import { storePaths, type StorePaths } from "./home.ts";
import { installCheckpoint, shortVersion } from "./install-checkpoint.ts";
import { hubFolder, servingVariants } from "./hub-folder.ts";
import { refuseOtherThan, servesWanted } from "./converted.ts";
import { installedConverted, installedVariants } from "./hub-variants.ts";
import type { Patience } from "./hub/retry.ts";
import { hubSettings, type Environment } from "./hub/settings.ts";
import { installedModels, readModel, tryReadModel } from "./installed.ts";
import { sweepDeadClaims } from "../core/files/lock.ts";
import type { OnStoreProgress } from "./progress.ts";

export interface ResolveOptions extends WantedVariant {
  /**
   * A name of the catalogue, `demo`, `hf:OWNER/REPO[@REVISION]`, a name that `pull` gave, or a folder (converted, or a checkpoint), by
   * its path or its `file://` address.
   */
  readonly model: string;
  /** Whether a model that is not on this disk may be fetched. @default true, unless `HF_HUB_OFFLINE` is set */
  readonly download?: boolean | undefined;
  readonly onProgress?: OnStoreProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  /** @default the user's store */
  readonly paths?: StorePaths | undefined;
  /** @default the project's own */
  readonly convert?: Converter | undefined;
  /** Where `HF_*` are read. @default process.env */
  readonly env?: Environment | undefined;
  /** How long the hub's client waits and how often it tries again; what is absent has its own default. */
  readonly patience?: Partial<Patience> | undefined;
}

export interface ResolvedModel {
  /** a converted model's folder */
  readonly directory: string;
  readonly name: string;
  /** the model that ships with the package, which knows drawings of coloured shapes and nothing else */
  readonly demo: boolean;
}

async function resolveDemo(options: ResolveOptions, paths: StorePaths): Promise<ResolvedModel> {
  const { quant, visionPrecision, visionBudget, calibrate, onProgress, signal, convert } = options;
  const version = await demoVersion();
  const directory = await installCheckpoint({
    paths,
    checkpoint: demoCheckpoint(),
    base: DEMO_MODEL,
    version,
    name: DEMO_MODEL,
    source: { repo: DEMO_REPO, revision: version },
    quant,
    visionPrecision,
    visionBudget,
    calibrate,
    onProgress,
    signal,
    convert,
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
    refuseOtherVariant(manifest, options);
    const { name, source } = manifest;
    return { directory: local.directory, name, demo: source.repo === DEMO_REPO };
  }
  const { quant, visionPrecision, visionBudget, calibrate, onProgress, signal, convert } = options;
  const directory = await installCheckpoint({
    paths,
    checkpoint: local.directory,
    base: `folder-${local.name}`,
    version: shortVersion(await folderFingerprint(local.directory, `format ${FORMAT_VERSION}`)),
    name: local.name,
    source: { repo: local.directory, revision: null },
    quant,
    visionPrecision,
    visionBudget,
    calibrate,
    withVisionTower: async (work) => {
      const { withVisionTower } = await import("./tower.ts");
      return withVisionTower({ ...options, checkpoint: local.directory, paths }, work);
    },
    onProgress,
    signal,
    convert,
  });
  return { directory, name: local.name, demo: false };
}

/** @throws `usage` when a converted model is not what was asked for, and says how to get that */
function refuseOtherVariant(manifest: Manifest, wanted: ResolveOptions): void {
  const { model, quant, visionPrecision, visionBudget } = wanted;
  const variant = variantOf(manifest);
  const kind = visionPrecision ?? variant.visionPrecision;
  // a bound that nobody named is any
  const budget = visionBudget ?? (kind === "mixed" ? variant.visionBudget : undefined);
  const asked: Variant = { quant: quant ?? variant.quant, visionPrecision: kind, visionBudget: budget };
  if (showVariant(asked) === showVariant(variant)) return;
  const { repo, revision } = manifest.source;
  // the store made it: of the hub or the demo under its name, or of a folder that it knows
  const again = revision !== null ? manifest.name : isAbsolute(repo) ? repo : undefined;
  const flags = variantFlags(asked);
  throw new FlashSlothError("usage", `${model} is ${showVariant(variant)}, not ${showVariant(asked)}`, {
    hint:
      again === undefined
        ? `make the other with \`flashsloth convert CHECKPOINT-DIR OUT-DIR${flags}\``
        : `for the other write \`-m ${again}${flags}\``,
  });
}

/** The folder of a variant that serves, see `servingVariants`. */
async function findInstalled(
  model: HubModel,
  wanted: WantedVariant,
  paths: StorePaths,
): Promise<string | undefined> {
  for (const candidate of servingVariants(wanted)) {
    const directory = join(paths.models, hubFolder(model, candidate));
    if ((await tryReadModel(directory)) !== undefined) return directory;
  }
  return undefined;
}

async function resolveHub(
  model: HubModel,
  options: ResolveOptions,
  paths: StorePaths,
): Promise<ResolvedModel> {
  const installed =
    (await findInstalled(model, options, paths)) ?? (await installedConverted(paths, model, options));
  if (installed !== undefined) {
    await sweepDeadClaims(paths.locks);
    return { directory: installed, name: model.name, demo: false };
  }
  const { download = true } = options;
  try {
    // the network's code is loaded only when something is fetched: most runs find their model on the disk
    const { installHubModel } = await import("./hub-model.ts");
    const { directory } = await installHubModel({ ...options, paths, model, fetch: download });
    return { directory, name: model.name, demo: false };
  } catch (error) {
    const gone = error instanceof FlashSlothError && error.code === "model-missing";
    const { offline } = await hubSettings(options.env);
    if (!gone || (download && !offline)) throw error;
    const why = download ? "HF_HUB_OFFLINE is set" : "downloading was refused";
    const pull = `fetch it with \`flashsloth pull ${model.name}${variantFlags(options)}\``;
    const others = await installedVariants(paths, model);
    if (others.length > 0) {
      const there = `${model.name} is on this disk only as ${others.map(showVariant).join(", ")}, and ${why}`;
      const hint = `take${others.map(variantFlags).join(" or")}, or ${pull}`;
      throw new FlashSlothError("model-missing", there, { hint, cause: error });
    }
    throw new FlashSlothError("model-missing", `${model.name} is not on this disk, and ${why}`, {
      hint: `${pull}, or try the demo model: -m ${DEMO_MODEL}`,
      cause: error,
    });
  }
}

/** A converted folder that was pulled into the store under its own name. */
async function findPulled(options: ResolveOptions, paths: StorePaths): Promise<ResolvedModel | undefined> {
  const { model } = options;
  const named = (await installedModels(paths.models)).filter(
    ({ manifest }) => manifest.name === model && manifest.fetchedFrom !== undefined,
  );
  const [first] = named;
  const serving = named.find(({ manifest }) => servesWanted(manifest, options));
  if (serving !== undefined) return { directory: serving.directory, name: model, demo: false };
  if (first !== undefined) refuseOtherThan(first.manifest, options, model);
  return undefined;
}

/**
 * The folder of a model that can be loaded, made on first use: the demo and checkpoints in a folder are converted into
 * the store, models of the hub are fetched first.
 * @throws `usage` for a name or a variant that is unknown, and for a converted folder of another variant; `model-missing`, `network`, `access` when it may not or cannot be fetched;
 * `model-invalid`, `checkpoint-invalid` for a damaged folder; `disk`; `interrupted`
 */
export async function resolveModel(options: ResolveOptions): Promise<ResolvedModel> {
  const { model, paths = storePaths(), signal } = options;
  if (model.trim() === "") throw unknownModel(model);
  checkVariant(options);
  const named = parseModelName(model);
  if (named?.kind === "demo") return untilStopped(signal, async () => resolveDemo(options, paths));
  if (named !== undefined) return untilStopped(signal, async () => resolveHub(named, options, paths));
  const pulled = looksLikePath(model) ? undefined : await findPulled(options, paths);
  if (pulled !== undefined) return pulled;
  const local = await findLocalModel(model);
  if (local !== undefined) return untilStopped(signal, async () => resolveLocal(local, options, paths));
  if (looksLikePath(model)) {
    throw new FlashSlothError("usage", `no such folder: ${model}`, {
      hint: "name a converted model's folder or a checkpoint's, or see `flashsloth list` for names",
    });
  }
  throw unknownModel(model);
}
