import { stat } from "node:fs/promises";
import { join } from "node:path";
import { FileSource, type ByteSource } from "../../core/files/bytes.ts";
import { DiskFolder, type FolderFiles } from "../../core/files/folder-files.ts";
import { namesIn } from "../installed.ts";
import { fetchFile, type FetchFileOptions } from "./fetch-file.ts";
import type { HubFile } from "./listing.ts";
import { rootNames } from "./needed.ts";

/** What is fetched of a file at a time while only its beginning is wanted: the published shards' headers have 60 KB. */
const STEP_BYTES = 128 * 1024;

export interface DownloadFolderOptions extends Omit<FetchFileOptions, "file" | "target"> {
  readonly directory: string;
  readonly listing: readonly HubFile[];
}

/**
 * A checkpoint that is being fetched, whole files and those whose beginnings arrive when they are read: what comes is kept, and the
 * fetch of the whole file goes on behind it.
 */
export class DownloadFolder implements FolderFiles {
  readonly name: string;
  readonly #options: DownloadFolderOptions;
  readonly #disk: DiskFolder;

  constructor(options: DownloadFolderOptions) {
    this.name = options.repo;
    this.#options = options;
    this.#disk = new DiskFolder(options.directory);
  }

  pathOf(file: string): string {
    return `${this.name}/${file}`;
  }

  async list(): Promise<readonly string[]> {
    const { directory, listing } = this.#options;
    const own = (await namesIn(directory)).filter((name) => !/\.part(?:\.etag)?$/.test(name));
    return [...new Set([...rootNames(listing), ...own])].sort();
  }

  async open(name: string): Promise<ByteSource | undefined> {
    const { directory, listing } = this.#options;
    const file = listing.find(({ path }) => path === name);
    const target = join(directory, name);
    if (file === undefined || (await sizeAt(target)) === file.size) return this.#disk.open(name);
    const read = async (offset: number, length: number): Promise<Uint8Array> => {
      const until = Math.max(offset + length, STEP_BYTES);
      await fetchFile({ ...this.#options, file, target, until });
      // what is smaller than a step has arrived whole, and under its own name
      const there = (await sizeAt(target)) === file.size ? target : `${target}.part`;
      const source = await FileSource.open(there);
      try {
        return await source.read(offset, length);
      } finally {
        await source.close();
      }
    };
    return { name: this.pathOf(name), size: file.size, read, close: async () => undefined };
  }
}

async function sizeAt(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}
