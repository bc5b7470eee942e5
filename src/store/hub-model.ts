import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { requireSpace } from "../core/disk-space.ts";
import { FlashSlothError } from "../core/errors.ts";
import type { Manifest } from "../core/manifest.ts";
import {
  DEFAULT_QUANT,
  EXACT_PRECISION,
  showVariant,
  type Variant,
  type WantedVariant,
} from "../core/variant.ts";
import { DEFAULT_REVISION, folderName, type HubModel } from "./catalogue.ts";
import { estimateConversion } from "../convert/space.ts";
import { stagingFolder } from "../convert/staging.ts";
import { convertWithProject, type Converter } from "./converter.ts";
import type { StorePaths } from "./home.ts";
import { cachedCommit, cachedListing } from "./hub/cache.ts";
import { fetchCheckpoint, type FetchCheckpointOptions, type FetchedCheckpoint } from "./hub/checkpoint.ts";
import { HubConnection, offlineError } from "./hub/connection.ts";
import { listFiles, resolveRevision, type HubFile } from "./hub/listing.ts";
import { PATIENCE, type Patience, type RetryOptions } from "./hub/retry.ts";
import { noteRetries } from "./hub/retry-note.ts";
import { hubSettings, type Environment, type HubSettings } from "./hub/settings.ts";
import { folderSize } from "./folder-size.ts";
import { hubFolder, repoKey } from "./hub-folder.ts";
import { checkpointFolder, installedVariants, keptCommit } from "./hub-variants.ts";
import { installModel } from "./install.ts";
import { namesIn } from "./installed.ts";
import type { OnStoreProgress } from "./progress.ts";
import { explainFullDisk, storeNeed } from "./space.ts";

export interface InstallHubOptions extends WantedVariant {
  readonly paths: StorePaths;
  readonly model: HubModel;
  /** false: only what is on this disk may be used */
  readonly fetch: boolean;
  readonly keepCheckpoint?: boolean | undefined;
  readonly onProgress?: OnStoreProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  /** @default process.env */
  readonly env?: Environment | undefined;
  readonly patience?: Partial<Patience> | undefined;
  readonly convert?: Converter | undefined;
}

/** What making a model took. */
export interface InstallReport extends FetchedCheckpoint {
  readonly seconds: { readonly download: number; readonly convert: number };
}

export interface InstalledFromHub {
  readonly directory: string;
  /** undefined when the model was there already, or another process made it */
  readonly report: InstallReport | undefined;
}

/** What was fetched of `repo` and is not needed any more, other than `keep`. Only with the lock of the repository held. */
async function discardDownloads(paths: StorePaths, repo: string, keep?: string): Promise<void> {
  for (const name of await namesIn(paths.downloads)) {
    if (name !== keep && name.startsWith(`${folderName(repo)}@`)) {
      await rm(join(paths.downloads, name), { recursive: true, force: true });
    }
  }
}

interface Source {
  readonly commit: string;
  /** undefined for a checkpoint that was kept, which was whole when it was */
  readonly listing: readonly HubFile[] | undefined;
  readonly fetch: boolean;
}

/**
 * Which commit, and which files it has: from the hub, or, where that may not or cannot be asked, from its tools' cache; or a
 * checkpoint that was kept.
 */
async function locate(
  options: InstallHubOptions,
  connection: HubConnection,
  retry: RetryOptions,
): Promise<Source> {
  const { paths, model, onProgress } = options;
  const { repo, revision = DEFAULT_REVISION } = model;
  // before anything arrived, a hub that is not there is more likely than one that is back in a minute
  const { patience } = retry;
  const first = { ...retry, patience: { ...patience, attempts: Math.ceil(patience.attempts / 2) } };
  let unreachable: FlashSlothError | undefined;
  if (options.fetch && !connection.settings.offline) {
    try {
      const commit = await resolveRevision(connection, repo, revision, first);
      return { commit, listing: await listFiles(connection, repo, commit, first), fetch: true };
    } catch (error) {
      if (!(error instanceof FlashSlothError) || error.code !== "network") throw error;
      unreachable = error;
    }
  }
  const { cache } = connection.settings;
  const commit = await cachedCommit(cache, repo, revision);
  const listing = commit === undefined ? [] : await cachedListing(cache, repo, commit);
  const kept = await keptCommit(paths, model);
  const noteUsing = (what: string): void => {
    if (unreachable === undefined) return;
    onProgress?.({ stage: "note", message: `${unreachable.message}; using ${what}` });
  };
  if (kept !== undefined) {
    noteUsing("the checkpoint that was kept");
    return { commit: kept, listing: undefined, fetch: false };
  }
  if (commit === undefined || listing.length === 0) {
    throw unreachable ?? (connection.settings.offline ? offlineError() : notOnThisDisk(model));
  }
  noteUsing(`what ${cache} has`);
  return { commit, listing, fetch: false };
}

/** What is made where nothing else is asked for. */
function variantToMake(wanted: WantedVariant): Variant {
  const { quant = DEFAULT_QUANT, visionPrecision = EXACT_PRECISION, visionBudget } = wanted;
  return { quant, visionPrecision, visionBudget };
}

/** Why gigabytes arrive of a model that its user knows to be there. */
async function noteFetchedAgain(
  { paths, model, onProgress }: InstallHubOptions,
  wanted: Variant,
): Promise<void> {
  const [other] = await installedVariants(paths, model);
  if (other === undefined) return;
  const message =
    `${model.name} is on this disk as ${showVariant(other)}, its checkpoint is not: ` +
    `it is fetched again to make ${showVariant(wanted)}`;
  onProgress?.({ stage: "note", message });
}

function notOnThisDisk(model: HubModel, cause?: unknown): FlashSlothError {
  return new FlashSlothError("model-missing", `${model.name} is not on this disk`, { cause });
}

/**
 * The folder of a model of the hub: as it is in the store, or fetched and converted.
 * @throws `model-missing`, `network`, `access`, `disk`, `checkpoint-invalid`, or the signal's reason
 */
export async function installHubModel(options: InstallHubOptions): Promise<InstalledFromHub> {
  const { paths, model, keepCheckpoint = false, onProgress, signal } = options;
  const variant = variantToMake(options);
  const settings = await hubSettings(options.env);
  let report: InstallReport | undefined;
  const directory = await installModel({
    paths,
    folder: hubFolder(model, variant),
    lockKey: repoKey(model.repo),
    name: model.name,
    progressKey: variant.quant,
    build: async (out) => {
      report = await build(options, settings, out);
    },
    beforePublish: async (manifest) => {
      if (keepCheckpoint) await keepDownload(paths, model.repo, manifest);
      await discardDownloads(paths, model.repo);
    },
    onProgress,
    signal,
  });
  return { directory, report };
}

async function keepDownload(paths: StorePaths, repo: string, manifest: Manifest): Promise<void> {
  const name = checkpointFolder(repo, manifest.source.revision ?? "");
  if (!(await namesIn(paths.downloads)).includes(name)) return;
  await mkdir(paths.checkpoints, { recursive: true });
  await rm(join(paths.checkpoints, name), { recursive: true, force: true });
  await rename(join(paths.downloads, name), join(paths.checkpoints, name));
}

async function build(options: InstallHubOptions, settings: HubSettings, out: string): Promise<InstallReport> {
  const { paths, model, onProgress, signal } = options;
  const variant = variantToMake(options);
  const { convert = convertWithProject } = options;
  const connection = new HubConnection(settings, { ...PATIENCE, ...options.patience });
  const retry: RetryOptions = {
    patience: connection.patience,
    signal,
    onRetry: noteRetries(onProgress),
  };
  const need = { home: paths.home, toFetch: 0, toConvert: 0 };
  const follow: OnStoreProgress = (event) => {
    if (event.stage === "download") need.toFetch = event.total - event.done;
    onProgress?.(event);
  };
  try {
    const started = performance.now();
    const { commit, listing, fetch } = await locate(options, connection, retry);
    const name = checkpointFolder(model.repo, commit);
    const kept = (await namesIn(paths.checkpoints)).includes(name);
    const directory = join(kept ? paths.checkpoints : paths.downloads, name);
    await discardDownloads(paths, model.repo, name);
    const begun = (await namesIn(paths.downloads)).includes(name);
    const checkSpace: FetchCheckpointOptions["checkSpace"] = async ({ toFetch, checkpoint }) => {
      const finished = await folderSize(stagingFolder(out));
      Object.assign(need, { toFetch, toConvert: estimateConversion(checkpoint, { ...variant, finished }) });
      await requireSpace(storeNeed(need));
      if (checkpoint > 0 && toFetch > 0) await noteFetchedAgain(options, variant);
    };
    const useKept = async (): Promise<FetchedCheckpoint> => {
      const size = await folderSize(directory);
      await checkSpace({ toFetch: 0, checkpoint: size });
      return { size, received: 0, cached: 0 };
    };
    const fetchListed = async (files: readonly HubFile[]): Promise<FetchedCheckpoint> =>
      fetchCheckpoint({
        connection,
        repo: model.repo,
        commit,
        listing: files,
        directory,
        cache: settings.cache,
        fetch,
        checkSpace,
        onProgress: follow,
        retry,
      });
    const fetched = await (listing === undefined ? useKept() : fetchListed(listing)).catch(
      async (error: unknown) => {
        if (fetch) throw error;
        // links alone are quickly made again, and a cache that lacks a file is no reason to blame the repository
        if (!begun && !kept) await rm(directory, { recursive: true, force: true });
        const lacking = error instanceof FlashSlothError && error.code === "checkpoint-invalid";
        throw lacking ? notOnThisDisk(model, error) : error;
      },
    );
    const converting = performance.now();
    const source = { repo: model.repo, revision: commit };
    const { calibrate } = options;
    const request = { checkpoint: directory, out, name: model.name, source, ...variant, calibrate };
    await convert({ ...request, onProgress, signal });
    const seconds = {
      download: (converting - started) / 1000,
      convert: (performance.now() - converting) / 1000,
    };
    return { ...fetched, seconds };
  } catch (error) {
    throw await explainFullDisk(error, need);
  } finally {
    await connection.close();
  }
}
