import { readFile, readdir, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { HashFileOptions } from "../../core/files/hash-file.ts";
import { fileMatches } from "./digest.ts";
import type { FileDigest, HubFile } from "./listing.ts";

/*
 * The cache that the hub's own tools share: `models--OWNER--NAME/` with `refs/BRANCH` (a commit as text),
 * `snapshots/COMMIT/PATH` (links, on Windows perhaps copies) and `blobs/ETAG` (an ETag is a file's sha256 or git sha1).
 */

function repoFolder(cache: string, repo: string): string {
  return join(cache, `models--${repo.replaceAll("/", "--")}`);
}

export interface FindCachedOptions {
  readonly cache: string;
  readonly repo: string;
  readonly commit: string;
  readonly file: HubFile;
  /** False: a file of the right name and size will do, for a look that nothing is made of. @default true */
  readonly hashed?: boolean | undefined;
}

/** A file of the cache with these very bytes, or undefined. Everything is hashed before it is believed. */
export async function findCached(
  options: FindCachedOptions,
  hashing: HashFileOptions = {},
): Promise<string | undefined> {
  const { cache, repo, commit, file, hashed = true } = options;
  const folder = repoFolder(cache, repo);
  const candidates = [
    join(folder, "snapshots", commit, ...file.path.split("/")),
    join(folder, "blobs", file.digest.hex),
  ];
  for (const candidate of candidates) {
    try {
      const path = await realpath(candidate);
      const found = await stat(path);
      if (!found.isFile() || found.size !== file.size) continue;
      if (!hashed || (await fileMatches(path, file.size, file.digest, hashing))) return path;
    } catch {
      hashing.signal?.throwIfAborted();
    }
  }
  return undefined;
}

/** The commit that a revision had when the cache was filled. */
export async function cachedCommit(
  cache: string,
  repo: string,
  revision: string,
): Promise<string | undefined> {
  if (/^[0-9a-f]{40}$/.test(revision)) return revision;
  const ref = join(repoFolder(cache, repo), "refs", ...revision.split("/"));
  const text = await readFile(ref, "utf8").catch(() => "");
  return /^[0-9a-f]{40}$/.exec(text.trim())?.[0];
}

/**
 * The files of a cached snapshot as the hub would list them, without asking it: the names of the blobs that the
 * snapshot's links lead to are their hashes. A file whose blob has no such name is left out.
 */
export async function cachedListing(cache: string, repo: string, commit: string): Promise<HubFile[]> {
  const snapshot = join(repoFolder(cache, repo), "snapshots", commit);
  const files: HubFile[] = [];
  for (const path of await readdir(snapshot).catch(() => [])) {
    const blob = await realpath(join(snapshot, path)).catch(() => undefined);
    const found = blob === undefined ? undefined : await stat(blob).catch(() => undefined);
    const digest = blob === undefined ? undefined : digestOfName(basename(blob));
    if (found?.isFile() === true && digest !== undefined) files.push({ path, size: found.size, digest });
  }
  return files;
}

function digestOfName(name: string): FileDigest | undefined {
  if (/^[0-9a-f]{64}$/.test(name)) return { kind: "sha256", hex: name };
  return /^[0-9a-f]{40}$/.test(name) ? { kind: "git-sha1", hex: name } : undefined;
}
