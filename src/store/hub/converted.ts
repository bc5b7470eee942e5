import { copyFile, lstat, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onDisk, syncFile, syncFolder } from "../../core/files/disk.ts";
import { CARD_FILE, MANIFEST_FILE, type Manifest } from "../../core/model/manifest.ts";
import { isOurManifest, lie, readTravellingModel, type TravellingModel } from "../converted.ts";
import { namesIn } from "../installed.ts";
import { fetchFiles, settleFiles, sizesOf, type CollectOptions } from "./collect.ts";
import type { FetchedCheckpoint } from "./checkpoint.ts";
import { fileMatches } from "./digest.ts";
import type { HubFile } from "./listing.ts";
import { DownloadMeter } from "./meter.ts";

/** A manifest longer than this is none of ours. */
const MAX_MANIFEST_BYTES = 1024 * 1024;

export interface FetchConvertedOptions extends CollectOptions {
  readonly listing: readonly HubFile[];
}

/** A converted model whose manifest is here. */
export interface FoundConverted extends TravellingModel {
  /** bytes that came for it over the network */
  readonly received: number;
}

/**
 * The converted model that a repository holds; undefined when its root has no manifest of ours.
 * @throws `model-invalid` when the manifest does not tell the truth
 */
export async function findConverted(options: FetchConvertedOptions): Promise<FoundConverted | undefined> {
  const { listing, directory, repo } = options;
  const file = listing.find(({ path }) => path === MANIFEST_FILE);
  if (file === undefined || file.size > MAX_MANIFEST_BYTES) return undefined;
  await onDisk(directory, mkdir(directory, { recursive: true }));
  const meter = new DownloadMeter(sizesOf([file]));
  const { missing } = await settleFiles(options, [file], meter);
  await fetchFiles(options, missing, meter);
  const text = await readFile(join(directory, MANIFEST_FILE), "utf8");
  if (!isOurManifest(text)) return undefined;
  const model = readTravellingModel({ text, where: `${repo}/${MANIFEST_FILE}`, listing });
  return { ...model, received: meter.received };
}

export interface CheckCopySpace {
  (bytes: { readonly toFetch: number; readonly toCopy: number }): Promise<void>;
}

/**
 * Fetches a converted model's files, checked against the hub's list and the manifest, into `directory`.
 * @throws `model-invalid`; what `fetchFile` throws
 */
export async function fetchConverted(
  options: FetchConvertedOptions,
  model: FoundConverted,
  checkSpace: CheckCopySpace,
): Promise<FetchedCheckpoint> {
  const { directory, repo, listing, onProgress } = options;
  const described = listing.filter(({ path }) => path === MANIFEST_FILE);
  const files = [...model.files, ...(model.card === undefined ? [] : [model.card])];
  const all = [...described, ...files];
  const meter = new DownloadMeter(sizesOf(all), onProgress);
  const settled = await settleFiles(options, all, meter);
  await checkSpace({ toFetch: settled.toFetch, toCopy: settled.cached });
  await fetchFiles(options, settled.missing, meter);
  for (const { name, size, sha256 } of model.manifest.files) {
    const file = model.files.find(({ path }) => path === name);
    // the hub's own hash was the manifest's, and was checked when the file arrived
    if (file?.digest.kind === "sha256") continue;
    const same = await fileMatches(join(directory, name), size, { kind: "sha256", hex: sha256 });
    if (!same) throw lie(`${repo}/${MANIFEST_FILE}`, `gives ${name} another hash than it has`);
  }
  const size = all.reduce((sum, file) => sum + file.size, 0);
  return { size, received: model.received + meter.received, cached: settled.cached };
}

/**
 * Makes a download into a model's folder: links become files of its own, what is no part of it goes, and the manifest says what it is
 * called here and where it is from. Then it takes the place of `out`.
 */
export async function finishConverted(directory: string, manifest: Manifest, out: string): Promise<void> {
  await onDisk(out, settle(directory, manifest));
  await rm(out, { recursive: true, force: true });
  await onDisk(out, rename(directory, out));
}

async function settle(directory: string, manifest: Manifest): Promise<void> {
  const own = new Set([...manifest.files.map(({ name }) => name), CARD_FILE]);
  for (const name of await namesIn(directory)) {
    const path = join(directory, name);
    if (!own.has(name)) {
      await rm(path, { recursive: true, force: true });
    } else if ((await lstat(path)).isSymbolicLink()) {
      await copyFile(path, `${path}.part`);
      await syncFile(`${path}.part`);
      await rename(`${path}.part`, path);
    }
  }
  // last: until now the folder was the hub's, and a run that ends here goes on with it
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
  await writeFile(join(directory, MANIFEST_FILE), text, { flush: true });
  await syncFolder(directory);
}
