import { basename, dirname } from "node:path";
import { MemorySource, type ByteSource } from "../../core/files/bytes.ts";
import { FlashSlothError } from "../../core/errors.ts";
import { DiskFolder, type FolderFiles } from "../../core/files/folder-files.ts";
import { findCached } from "./cache.ts";
import type { HubConnection } from "./connection.ts";
import { startDigest } from "./digest.ts";
import type { HubFile } from "./listing.ts";
import { rootNames } from "./needed.ts";
import { RangeSource } from "./range-source.ts";
import type { RetryOptions } from "./retry.ts";

/** Files that are read whole, and then checked by their hash: everything that is no weights. */
const WHOLE_BYTES = 16 * 1024 * 1024;

export interface RemoteFolderOptions {
  readonly connection: HubConnection;
  readonly repo: string;
  readonly commit: string;
  readonly listing: readonly HubFile[];
  /** folder of the hub tools' cache, whose files are read instead of the hub's */
  readonly cache: string;
  /** false: only what is on this disk may be read */
  readonly fetch: boolean;
  readonly retry: RetryOptions;
  /** False: weights in the cache are taken by their name and size, for a look that nothing is made of. @default true */
  readonly hashed?: boolean | undefined;
  /** Bytes asked for at a time of what is not read whole. @default 128 KiB */
  readonly window?: number | undefined;
  readonly onReceived?: ((count: number) => void) | undefined;
}

/** A repository of the hub of which nothing is kept on the disk. */
export class RemoteFolder implements FolderFiles {
  readonly name: string;
  readonly #options: RemoteFolderOptions;

  constructor(options: RemoteFolderOptions) {
    this.name = options.repo;
    this.#options = options;
  }

  pathOf(file: string): string {
    return `${this.name}/${file}`;
  }

  async list(): Promise<readonly string[]> {
    return rootNames(this.#options.listing).sort();
  }

  async open(name: string): Promise<ByteSource | undefined> {
    const { listing, cache, repo, commit, fetch, hashed = true } = this.#options;
    const file = listing.find(({ path }) => path === name);
    if (file === undefined) return undefined;
    const weights = file.size > WHOLE_BYTES || name.endsWith(".safetensors");
    const cached = await findCached({ cache, repo, commit, file, hashed: hashed || !weights });
    if (cached !== undefined) return new DiskFolder(dirname(cached)).open(basename(cached));
    if (!fetch) {
      throw new FlashSlothError("model-missing", `${repo} is not wholly on this disk: ${name} is missing`);
    }
    const source = new RangeSource({ ...this.#options, file });
    if (weights) return source;
    const bytes = await source.read(0, file.size);
    const hash = startDigest(file.digest, file.size).update(bytes).digest("hex");
    if (hash === file.digest.hex) return new MemorySource(bytes, source.name);
    throw new FlashSlothError(
      "network",
      `${source.name} arrived damaged: its hash is not what the hub lists`,
      {
        hint: "something between here and the hub alters files: try another network, or another HF_ENDPOINT",
      },
    );
  }
}
