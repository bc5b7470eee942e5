import { readdir, stat } from "node:fs/promises";
import type { OpenTower } from "../checkpoint/tower.ts";
import { FlashSlothError } from "../core/errors.ts";
import { DiskFolder, type FolderFiles } from "../core/files/folder-files.ts";
import { MANIFEST_FILE } from "../core/model/manifest.ts";
import type { WantedVariant } from "../core/model/variant.ts";
import { DEFAULT_REVISION, isRepository, parseModelName, unknownModel, type HubModel } from "./catalogue.ts";
import { isOurManifest, readTravellingModel } from "./converted.ts";
import { demoCheckpoint } from "./demo.ts";
import { findCached } from "./hub/cache.ts";
import { HubConnection } from "./hub/connection.ts";
import { describingFiles } from "./hub/needed.ts";
import { RemoteFolder } from "./hub/remote-folder.ts";
import { findRevision, notFoundError } from "./hub/revision.ts";
import { PATIENCE, type Patience } from "./hub/retry.ts";
import { noteRetries } from "./hub/retry-note.ts";
import { hubSettings, type Environment } from "./hub/settings.ts";
import { hubTower, type HubTowerOptions } from "./hub/tower.ts";
import { inspectCheckpoint, inspectConverted, type Inspection } from "./inspection.ts";
import { readModel } from "./installed.ts";
import { folderPath } from "./local.ts";
import type { OnStoreProgress } from "./progress.ts";
import { untilStopped } from "./stopped.ts";
import { localTower } from "./tower.ts";

export interface InspectOptions extends WantedVariant {
  /** A name of the catalogue, `hf:OWNER/REPO[@REVISION]`, `OWNER/REPO`, or a folder. */
  readonly model: string;
  /** Whether tensors that nobody knows are a problem. @default false */
  readonly strict?: boolean | undefined;
  readonly onProgress?: OnStoreProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Where `HF_*` are read. @default process.env */
  readonly env?: Environment | undefined;
  readonly patience?: Partial<Patience> | undefined;
}

/**
 * Looks at a repository of the hub, of which only the small files and the headers of the weights are fetched, or at a folder. Nothing is
 * written.
 * @throws `usage` for what is neither; `network`, `access`, `model-missing`, `interrupted`
 */
export async function inspectModel(options: InspectOptions): Promise<Inspection> {
  const { model, signal } = options;
  const named = parseModelName(model);
  const directory = folderPath(model);
  return untilStopped(signal, async () => {
    if (named?.kind === "hub") return inspectHub(named, options);
    if (named?.kind === "demo") return inspectFolder(demoCheckpoint(), options);
    const found = await stat(directory).catch(() => undefined);
    if (named === undefined && found?.isDirectory() === true) return inspectFolder(directory, options);
    if (named === undefined && isRepository(model)) {
      return inspectHub(
        { kind: "hub", name: model, folder: model, repo: model, revision: undefined },
        options,
      );
    }
    throw unknownModel(model);
  });
}

/** The hub, for as long as something is looked at. */
async function withHub<T>(
  options: InspectOptions,
  look: (hub: Pick<HubTowerOptions, "connection" | "retry" | "onProgress" | "hashed">) => Promise<T>,
): Promise<T> {
  const { onProgress, signal } = options;
  const connection = new HubConnection(await hubSettings(options.env), { ...PATIENCE, ...options.patience });
  const retry = { patience: connection.patience, signal, onRetry: noteRetries(onProgress) };
  try {
    return await look({ connection, retry, onProgress, hashed: false });
  } finally {
    await connection.close();
  }
}

async function inspectHub(model: HubModel, options: InspectOptions): Promise<Inspection> {
  const { repo, revision = DEFAULT_REVISION } = model;
  return withHub(options, async (hub) => {
    const { connection, onProgress } = hub;
    const { cache } = connection.settings;
    const found = await findRevision({ ...hub, repo, revision, fetch: true }, ({ message }) =>
      onProgress?.({ stage: "note", message: `${message}; looking at what ${cache} has` }),
    );
    if (!("commit" in found)) throw notFoundError(found, connection, model.name);
    const reading = { ...hub, repo, cache, ...found };
    const files = new RemoteFolder(reading);
    const where = { where: repo, revision: found.commit };
    const text = await manifestText(files);
    if (text !== undefined && isOurManifest(text)) {
      const { listing } = found;
      return await inspectConverted(where, {
        remote: true,
        read: () => readTravellingModel({ text, where: `${repo}/${MANIFEST_FILE}`, listing }).manifest,
      });
    }
    return await inspectCheckpoint(where, {
      ...options,
      files,
      openTower: orProblem(hubTower(files, reading)),
      fetched: async (weights, tower) => {
        const names = new Set(weights);
        const needed = [
          ...describingFiles(repo, found.listing),
          ...found.listing.filter(({ path }) => names.has(path)),
        ];
        let sum = tower;
        for (const file of needed) {
          const there = await findCached({ ...reading, file, hashed: false });
          if (there === undefined) sum += file.size;
        }
        return sum;
      },
    });
  });
}

/** A tower that cannot be reached is a problem among others. */
function orProblem(openTower: OpenTower): OpenTower {
  return async (named) => {
    try {
      return await openTower(named);
    } catch (error) {
      const elsewhere = error instanceof FlashSlothError && error.code !== "interrupted";
      throw elsewhere ? new FlashSlothError("checkpoint-invalid", error.message, { cause: error }) : error;
    }
  };
}

async function manifestText(files: FolderFiles): Promise<string | undefined> {
  const source = await files.open(MANIFEST_FILE);
  if (source === undefined || source.size > 1024 * 1024) return undefined;
  return new TextDecoder().decode(await source.read(0, source.size));
}

async function inspectFolder(directory: string, options: InspectOptions): Promise<Inspection> {
  const where = { where: directory, revision: null };
  if ((await readdir(directory)).includes(MANIFEST_FILE)) {
    return inspectConverted(where, { remote: false, read: async () => readModel(directory) });
  }
  const files = new DiskFolder(directory);
  return withHub(options, async (hub) => {
    const [here, there] = [localTower(files), orProblem(hubTower(files, { ...hub, fetch: true }))];
    let away = false;
    return inspectCheckpoint(where, {
      ...options,
      files,
      openTower: async (named) => {
        const beside = await here(named);
        away = beside === undefined;
        return beside ?? there(named);
      },
      fetched: async (_, tower) => (away ? tower : 0),
    });
  });
}
