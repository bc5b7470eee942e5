import { rm } from "node:fs/promises";
import { join } from "node:path";
import { finishedNames } from "../convert/finished.ts";
import { stagingFolder } from "../convert/staging.ts";
import { requireSpace } from "../core/files/disk-space.ts";
import { FlashSlothError } from "../core/errors.ts";
import { DiskFolder, type FolderFiles } from "../core/files/folder-files.ts";
import { showVariant, type Variant, type WantedVariant } from "../core/model/variant.ts";
import { DEFAULT_REVISION, folderName, type HubModel } from "./catalogue.ts";
import { refuseOtherThan } from "./converted.ts";
import { projectConverter, type Converter, type Examination } from "./converter.ts";
import type { StorePaths } from "./home.ts";
import { fetchCheckpoint, type FetchedCheckpoint } from "./hub/checkpoint.ts";
import type { CollectOptions } from "./hub/collect.ts";
import { HubConnection } from "./hub/connection.ts";
import { fetchConverted, findConverted, finishConverted } from "./hub/converted.ts";
import { findRevision, notFoundError, type FoundRevision } from "./hub/revision.ts";
import { PATIENCE, type Patience, type RetryOptions } from "./hub/retry.ts";
import { noteRetries } from "./hub/retry-note.ts";
import type { Environment, HubSettings } from "./hub/settings.ts";
import { hubTower } from "./hub/tower.ts";
import { folderSize } from "./folder-size.ts";
import { checkpointFolder, installedVariants, keptCommit } from "./hub-variants.ts";
import { namesIn } from "./installed.ts";
import type { OnStoreProgress } from "./progress.ts";
import { explainFullDisk, storeNeed } from "./space.ts";

export interface InstallHubOptions extends WantedVariant {
  readonly paths: StorePaths;
  readonly model: HubModel;
  /** false: only what is on this disk may be used */
  readonly fetch: boolean;
  /** Refuse a checkpoint with tensors that nobody knows. @default false */
  readonly strict?: boolean | undefined;
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
  /** whether the files were converted by whoever uploaded them */
  readonly converted: boolean;
  readonly seconds: { readonly download: number; readonly convert: number };
}

/** What was fetched of `repo` and is not needed any more, other than `keep`. Only with the lock of the repository held. */
export async function discardDownloads(paths: StorePaths, repo: string, keep?: string): Promise<void> {
  for (const name of await namesIn(paths.downloads)) {
    if (name !== keep && name.startsWith(`${folderName(repo)}@`)) {
      await rm(join(paths.downloads, name), { recursive: true, force: true });
    }
  }
}

/** A download under way. */
interface Build {
  readonly options: InstallHubOptions;
  /** what is made of a checkpoint where nothing else was asked for */
  readonly variant: Variant;
  readonly connection: HubConnection;
  readonly retry: RetryOptions;
  readonly onProgress: OnStoreProgress;
  readonly need: { home: string; toFetch: number; toCopy: number; toConvert: number };
  readonly out: string;
}

/**
 * Fetches a model of the hub into `out`: converted as it is, or a checkpoint, which is converted.
 * @throws `model-missing`, `network`, `access`, `disk`, `usage` for a variant that a converted model is not, `checkpoint-invalid`,
 * `model-invalid`, or the signal's reason
 */
export async function buildHubModel(
  options: InstallHubOptions,
  variant: Variant,
  settings: HubSettings,
  out: string,
): Promise<InstallReport> {
  const { paths, signal } = options;
  const connection = new HubConnection(settings, { ...PATIENCE, ...options.patience });
  const need = { home: paths.home, toFetch: 0, toCopy: 0, toConvert: 0 };
  const told = new Set<string>();
  const onProgress: OnStoreProgress = (event) => {
    if (event.stage === "download") need.toFetch = event.total - event.done;
    if (event.stage === "note" && told.has(event.message)) return;
    if (event.stage === "note") told.add(event.message);
    options.onProgress?.(event);
  };
  const retry: RetryOptions = {
    patience: connection.patience,
    signal,
    onRetry: noteRetries(options.onProgress),
  };
  try {
    return await build({ options, variant, connection, retry, onProgress, need, out });
  } catch (error) {
    throw await explainFullDisk(error, need);
  } finally {
    await connection.close();
  }
}

async function build(run: Build): Promise<InstallReport> {
  const { options, connection, retry, onProgress, out, need } = run;
  const { paths, model } = options;
  const started = performance.now();
  const found = await locate(run);
  const { commit, listing, fetch } = found;
  const name = checkpointFolder(model.repo, commit);
  const kept = (await namesIn(paths.checkpoints)).includes(name);
  const directory = join(kept ? paths.checkpoints : paths.downloads, name);
  await discardDownloads(paths, model.repo, name);
  const begun = (await namesIn(paths.downloads)).includes(name);
  const { cache } = connection.settings;
  const collect = { connection, repo: model.repo, commit, directory, cache, fetch, onProgress, retry };
  const seconds = (convert: number): InstallReport["seconds"] => ({
    download: (performance.now() - started) / 1000 - convert,
    convert,
  });
  try {
    const travelling = listing && (await findConverted({ ...collect, listing }));
    if (listing !== undefined && travelling !== undefined) {
      refuseOtherThan(travelling.manifest, options, model.name);
      const fetched = await fetchConverted({ ...collect, listing }, travelling, async (bytes) => {
        Object.assign(need, bytes);
        await requireSpace(storeNeed(need));
      });
      const fetchedFrom = { repo: model.repo, revision: commit };
      await finishConverted(directory, { ...travelling.manifest, name: model.name, fetchedFrom }, out);
      return { ...fetched, converted: true, seconds: seconds(0) };
    }
    const fetched = await fetchWeights(run, collect, listing);
    const converting = performance.now();
    await convertDownload(run, directory, commit);
    return { ...fetched, converted: false, seconds: seconds((performance.now() - converting) / 1000) };
  } catch (error) {
    if (fetch) throw error;
    // links alone are quickly made again, and a cache that lacks a file is no reason to blame the repository
    if (!begun && !kept) await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

/** A revision of the hub or of its tools' cache; without a list of files, a checkpoint that was kept, which was whole when it was. */
async function locate(
  run: Build,
): Promise<Omit<FoundRevision, "listing"> & { listing: FoundRevision["listing"] | undefined }> {
  const { options, connection, retry, onProgress } = run;
  const { paths, model } = options;
  const { repo, revision = DEFAULT_REVISION } = model;
  const kept = await keptCommit(paths, model);
  const noteUsing = ({ message }: FlashSlothError, what: string): void =>
    onProgress({ stage: "note", message: `${message}; using ${what}` });
  const find = { connection, repo, revision, fetch: options.fetch, retry };
  const found = await findRevision(find, (unreachable) => {
    if (kept === undefined) noteUsing(unreachable, `what ${connection.settings.cache} has`);
  });
  if ("commit" in found && (found.fetch || kept === undefined)) return found;
  if (kept !== undefined) {
    if ("unreachable" in found && found.unreachable !== undefined) {
      noteUsing(found.unreachable, "the checkpoint that was kept");
    }
    return { commit: kept, listing: undefined, fetch: false };
  }
  if ("commit" in found) return found;
  throw notFoundError(found, connection, model.name);
}

/** The checkpoint, whole: fetched, or as it was kept. */
async function fetchWeights(
  run: Build,
  collect: CollectOptions,
  listing: FoundRevision["listing"] | undefined,
): Promise<FetchedCheckpoint> {
  const { options, variant, need, out, onProgress } = run;
  const { model, strict, calibrate, convert = projectConverter } = options;
  const { directory, fetch } = collect;
  let received = 0;
  const onReceived = (count: number): void => {
    received += count;
  };
  const examine = async (files: FolderFiles): Promise<Examination> => {
    const openTower = hubTower(files, { ...collect, onReceived });
    const finished = await finishedNames(stagingFolder(out));
    const examined = await convert.examine({ files, ...variant, calibrate, strict, finished, openTower });
    for (const message of examined.remarks) onProgress({ stage: "note", message });
    return examined;
  };
  const checkSpace = async (bytes: { toFetch: number; toConvert: number }): Promise<void> => {
    Object.assign(need, { toFetch: bytes.toFetch, toConvert: bytes.toConvert });
    await requireSpace(storeNeed(need));
  };
  try {
    if (listing === undefined) {
      const examined = await examine(new DiskFolder(directory));
      await examined.close();
      await checkSpace({ toFetch: 0, toConvert: examined.peak });
      return { size: await folderSize(directory), received: 0, cached: 0 };
    }
    const fetched = await fetchCheckpoint({
      ...collect,
      listing,
      examine,
      checkSpace: async (bytes) => {
        await checkSpace(bytes);
        if (bytes.weights && bytes.toFetch > 0) await noteFetchedAgain(options, variant, onProgress);
      },
    });
    return { ...fetched, received: fetched.received + received };
  } catch (error) {
    const lacking = error instanceof FlashSlothError && error.code === "checkpoint-invalid";
    if (fetch || listing === undefined || !lacking) throw error;
    throw new FlashSlothError("model-missing", `${model.name} is not on this disk`, { cause: error });
  }
}

async function convertDownload(
  { options, variant, onProgress, out }: Build,
  checkpoint: string,
  commit: string,
): Promise<void> {
  const { model, strict, calibrate, signal, convert = projectConverter } = options;
  const source = { repo: model.repo, revision: commit };
  const { name } = model;
  await convert.convert({
    checkpoint,
    out,
    name,
    source,
    ...variant,
    calibrate,
    strict,
    examined: true,
    onProgress,
    signal,
  });
}

/** Why gigabytes arrive of a model that its user knows to be there. */
async function noteFetchedAgain(
  { paths, model }: InstallHubOptions,
  wanted: Variant,
  onProgress: OnStoreProgress,
): Promise<void> {
  const [other] = await installedVariants(paths, model);
  if (other === undefined) return;
  const message =
    `${model.name} is on this disk as ${showVariant(other)}, its checkpoint is not: ` +
    `it is fetched again to make ${showVariant(wanted)}`;
  onProgress({ stage: "note", message });
}
