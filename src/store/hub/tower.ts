import { towerBeside, openTowerFolder, type OpenTower } from "../../checkpoint/tower.ts";
import { FlashSlothError } from "../../core/errors.ts";
import type { FolderFiles } from "../../core/files/folder-files.ts";
import { DEFAULT_REVISION, isRepository } from "../catalogue.ts";
import type { OnStoreProgress } from "../progress.ts";
import type { HubConnection } from "./connection.ts";
import { RemoteFolder } from "./remote-folder.ts";
import { findRevision, notFoundError, type FoundRevision } from "./revision.ts";
import type { RetryOptions } from "./retry.ts";

/** Tensors are read in the order they lie: what follows one is asked for with it. */
const WINDOW_BYTES = 16 * 1024 * 1024;

/**
 * Vision towers by the last part of the path that a training gave: the published models name a folder of the machine they were trained
 * on, `checkpoints/base/siglip-so400m-patch14-384`.
 */
const KNOWN_TOWERS: Readonly<Partial<Record<string, string>>> = {
  "siglip-so400m-patch14-384": "google/siglip-so400m-patch14-384",
};

/** The hub's repository that `mm_vision_tower` means; undefined for any other path. */
export function towerRepository(named: string): string | undefined {
  const path = named.replace(/[/\\]+$/, "");
  const last = path.split(/[/\\]/).at(-1) ?? "";
  return KNOWN_TOWERS[last] ?? (isRepository(path) ? path : undefined);
}

export interface HubTowerOptions {
  readonly connection: HubConnection;
  /** false: only what is on this disk may be used */
  readonly fetch: boolean;
  readonly retry: RetryOptions;
  /** False: weights in the hub tools' cache are taken by their name and size. @default true */
  readonly hashed?: boolean | undefined;
  readonly onProgress?: OnStoreProgress | undefined;
  readonly onReceived?: ((count: number) => void) | undefined;
}

/**
 * Finds a checkpoint's vision tower: beside it, else in the repository that its configuration names, of which only what is read is
 * fetched.
 * @param files the checkpoint's own
 */
export function hubTower(files: FolderFiles, options: HubTowerOptions): OpenTower {
  return async (named) => {
    const beside = await towerBeside(files);
    if (beside !== undefined) return beside;
    const repo = named === undefined ? undefined : towerRepository(named);
    if (repo === undefined) return undefined;
    const { connection, retry } = options;
    const found = await locateTower(repo, options).catch((error: unknown) => {
      if (!(error instanceof FlashSlothError) || error.code === "interrupted") throw error;
      const { code, message, hint } = error;
      const what = `${files.name} does not hold its vision tower, which is ${repo}`;
      throw new FlashSlothError(code, `${what}: ${message}`, { hint, cause: error });
    });
    const { cache } = connection.settings;
    const remote = new RemoteFolder({ ...options, ...found, repo, cache, retry, window: WINDOW_BYTES });
    return openTowerFolder(remote, `${repo}@${found.commit.slice(0, 12)}`);
  };
}

async function locateTower(repo: string, options: HubTowerOptions): Promise<FoundRevision> {
  const { connection, onProgress } = options;
  const { cache } = connection.settings;
  const found = await findRevision({ ...options, repo, revision: DEFAULT_REVISION }, ({ message }) =>
    onProgress?.({ stage: "note", message: `${message}; using what ${cache} has of ${repo}` }),
  );
  if ("commit" in found) return found;
  throw notFoundError(found, connection, repo);
}
