import { FlashSlothError } from "../../core/errors.ts";
import { cachedCommit, cachedListing } from "./cache.ts";
import type { HubConnection } from "./connection.ts";
import { offlineError } from "./connection.ts";
import { listFiles, resolveRevision, type HubFile } from "./listing.ts";
import type { RetryOptions } from "./retry.ts";

/** One commit of a repository. */
export interface FoundRevision {
  readonly commit: string;
  readonly listing: readonly HubFile[];
  /** false when the hub was not asked: only what its tools' cache has may be used */
  readonly fetch: boolean;
}

export interface FindRevisionOptions {
  readonly connection: HubConnection;
  readonly repo: string;
  /** branch, tag or commit */
  readonly revision: string;
  /** false: only what is on this disk may be used */
  readonly fetch: boolean;
  readonly retry: RetryOptions;
}

/** Why the hub was not asked, or did not answer; undefined when nobody wanted it to. */
export interface NotFound {
  readonly unreachable: FlashSlothError | undefined;
}

/**
 * Which commit a revision stands for, and which files it has: from the hub, or, where that may not or cannot be asked, from its tools'
 * cache.
 * @param onCache told when the cache stands in for a hub that cannot be reached
 * @throws `access`, `model-missing`; returns {@link NotFound} when neither the hub nor its tools' cache has it
 */
export async function findRevision(
  options: FindRevisionOptions,
  onCache: (unreachable: FlashSlothError) => void,
): Promise<FoundRevision | NotFound> {
  const { connection, repo, revision, retry } = options;
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
  if (commit === undefined || listing.length === 0) return { unreachable };
  if (unreachable !== undefined) onCache(unreachable);
  return { commit, listing, fetch: false };
}

/** What is thrown for {@link NotFound}. */
export function notFoundError(
  { unreachable }: NotFound,
  connection: HubConnection,
  what: string,
): FlashSlothError {
  if (unreachable !== undefined) return unreachable;
  if (connection.settings.offline) return offlineError();
  return new FlashSlothError("model-missing", `${what} is not on this disk`);
}
