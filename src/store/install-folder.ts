import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { onDisk, syncFile } from "../core/files/disk.ts";
import { requireSpace } from "../core/files/disk-space.ts";
import { FlashSlothError } from "../core/errors.ts";
import { CARD_FILE, MANIFEST_FILE, parseManifest, variantOf, type Manifest } from "../core/model/manifest.ts";
import { refuseLies } from "../core/model/manifest-lies.ts";
import type { WantedVariant } from "../core/model/variant.ts";
import { parseModelName } from "./catalogue.ts";
import { lie, refuseOtherThan, repositoryOf } from "./converted.ts";
import { folderSize } from "./folder-size.ts";
import type { StorePaths } from "./home.ts";
import { hubFolder, repoKey, variantSuffix } from "./hub-folder.ts";
import { startDigest } from "./hub/digest.ts";
import { installModel } from "./install.ts";
import type { InstalledModel } from "./installed.ts";
import type { OnStoreProgress } from "./progress.ts";
import { explainFullDisk, storeNeed } from "./space.ts";

export interface InstallFolderOptions extends WantedVariant {
  readonly paths: StorePaths;
  /** a converted model's folder, its real path */
  readonly directory: string;
  readonly onProgress?: OnStoreProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface InstalledFolder {
  readonly directory: string;
  /** what `-m` takes from now on */
  readonly name: string;
  /** undefined when the store had it already */
  readonly copied: { readonly bytes: number; readonly seconds: number } | undefined;
}

/** A name that can be a folder's, and that no path and no name of the hub can be mistaken for. */
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/;

/**
 * Takes a converted model's folder into the store as it is, every file checked against its manifest on the way.
 * @throws `model-invalid` when the manifest does not tell the truth; `usage` for another variant, and for a name that no model can have;
 * `disk`, or the signal's reason
 */
export async function installFolder(options: InstallFolderOptions): Promise<InstalledFolder> {
  const { paths, directory: source, onProgress, signal } = options;
  const where = join(source, MANIFEST_FILE);
  const manifest = parseManifest(await readFile(where, "utf8"), where);
  refuseLies(manifest, where);
  await checkSizes(source, manifest, where);
  refuseOtherThan(manifest, options, source);
  const version = createHash("sha256").update(JSON.stringify(manifest.files)).digest("hex").slice(0, 16);
  const { name, folder, lockKey, supersedes } = placeOf(manifest, version, where);
  let copied: InstalledFolder["copied"];
  const directory = await installModel({
    paths,
    folder,
    lockKey,
    name,
    progressKey: version,
    supersedes,
    build: async (out) => {
      const started = performance.now();
      const bytes = await copyModel(options, manifest, out);
      copied = { bytes, seconds: (performance.now() - started) / 1000 };
    },
    onProgress,
    signal,
  });
  return { directory, name, copied };
}

interface Place {
  readonly name: string;
  readonly folder: string;
  readonly lockKey?: string;
  readonly supersedes?: (other: InstalledModel) => boolean;
}

/** A model of the hub keeps its name on whatever way its folder came here; any other has its own, which is none of the hub's. */
function placeOf(manifest: Manifest, version: string, where: string): Place {
  const variant = variantOf(manifest);
  const named = hubName(manifest.name);
  if (named !== undefined && named.repo === repositoryOf(manifest)) {
    return { name: named.name, folder: hubFolder(named, variant), lockKey: repoKey(named.repo) };
  }
  if (!PLAIN_NAME.test(manifest.name) || parseModelName(manifest.name) !== undefined) {
    throw new FlashSlothError(
      "usage",
      `${where}: a model in the store cannot be called ${JSON.stringify(manifest.name)}`,
      {
        hint: "convert it again with --name and a plain name",
      },
    );
  }
  const { name } = manifest;
  const suffix = variantSuffix(variant);
  return {
    name,
    folder: `named-${name}@${version}${suffix}`,
    supersedes: (other) =>
      other.manifest.name === name &&
      other.folder.startsWith(`named-${name}@`) &&
      other.folder.endsWith(suffix),
  };
}

function hubName(name: string): Extract<ReturnType<typeof parseModelName>, { kind: "hub" }> | undefined {
  try {
    const named = parseModelName(name);
    return named?.kind === "hub" ? named : undefined;
  } catch {
    return undefined; // no name of the hub
  }
}

async function checkSizes(source: string, manifest: Manifest, where: string): Promise<void> {
  for (const { name, size } of manifest.files) {
    const found = await stat(join(source, name)).catch(() => undefined);
    if (found?.isFile() !== true) throw lie(where, `lists ${name}, which is not there`);
    if (found.size !== size) throw lie(where, `gives ${name} ${size} bytes, and it has ${found.size}`);
  }
}

/** @returns bytes copied */
async function copyModel(options: InstallFolderOptions, manifest: Manifest, out: string): Promise<number> {
  const { paths, directory: source, onProgress, signal } = options;
  const total = manifest.files.reduce((sum, { size }) => sum + size, 0);
  const need = { home: paths.home, toFetch: 0, toCopy: total, toConvert: 0 };
  await requireSpace(storeNeed(need));
  await onDisk(out, mkdir(out, { recursive: true }));
  let before = 0;
  try {
    for (const { name, size, sha256 } of manifest.files) {
      const report = (done: number): void =>
        onProgress?.({ stage: "verify", file: name, done: before + done, total });
      const hex = await copyHashed(join(source, name), join(out, name), size, { report, signal });
      if (hex !== sha256) throw lie(join(source, MANIFEST_FILE), `gives ${name} another hash than it has`);
      before += size;
    }
  } catch (error) {
    throw await explainFullDisk(error, need);
  }
  if ((await readdir(source)).includes(CARD_FILE)) {
    await onDisk(out, copyFile(join(source, CARD_FILE), join(out, CARD_FILE)));
  }
  const fetchedFrom =
    manifest.fetchedFrom?.revision == null ? { repo: source, revision: null } : manifest.fetchedFrom;
  const text = `${JSON.stringify({ ...manifest, fetchedFrom } satisfies Manifest, undefined, 2)}\n`;
  await onDisk(out, writeFile(join(out, MANIFEST_FILE), text, { flush: true }));
  return folderSize(out);
}

interface CopyOptions {
  readonly report: (done: number) => void;
  readonly signal: AbortSignal | undefined;
}

/** Copies a file; the hash is that of the bytes that were written. @returns its sha256 */
async function copyHashed(from: string, to: string, size: number, options: CopyOptions): Promise<string> {
  const hash = startDigest({ kind: "sha256", hex: "" }, size);
  let done = 0;
  const counted = async function* (pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      hash.update(piece);
      done += piece.byteLength;
      options.report(done);
      yield piece;
    }
  };
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  await rm(to, { force: true });
  const copy = pipeline(
    createReadStream(from, { highWaterMark: 1 << 20 }),
    counted,
    createWriteStream(to),
    signal,
  );
  await onDisk(to, copy);
  await onDisk(to, syncFile(to));
  return hash.digest("hex");
}
