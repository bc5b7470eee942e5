import { constants } from "node:fs";
import { lstat, open, readlink, realpath, stat, type FileHandle } from "node:fs/promises";
import { isAbsolute, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { FlashSlothError } from "../core/errors.ts";
import { pathError } from "../image/source.ts";
import { fileLabel, type FileName } from "../pipeline/sources/file-names.ts";

export interface RootsOptions {
  /** Folders; only what lies below them may be opened. */
  readonly directories: readonly string[];
  /** Where a path really leads. @default the system's own */
  readonly realPath?: ((path: FileName) => Promise<Buffer>) | undefined;
  /** Where an open file really lies, or undefined where the system does not say. @default what Linux's /proc says */
  readonly openedPath?: ((handle: FileHandle) => Promise<Buffer | undefined>) | undefined;
}

/**
 * The folders that a server may read. What is asked for is found by its real path, and looked at again once it is open: a
 * link that leads out is refused, also one that is put there in between.
 */
export class Roots {
  /** as they were given, absolute */
  readonly folders: readonly string[];
  readonly #real: readonly string[];
  readonly #realPath: (path: FileName) => Promise<Buffer>;
  readonly #openedPath: (handle: FileHandle) => Promise<Buffer | undefined>;

  private constructor(options: RootsOptions, real: readonly string[]) {
    const { directories, realPath = systemRealPath, openedPath = procPath } = options;
    this.folders = directories.map((directory) => resolve(directory));
    this.#real = real;
    this.#realPath = realPath;
    this.#openedPath = openedPath;
  }

  /** @throws `usage` for what is no folder */
  static async open(options: RootsOptions): Promise<Roots> {
    const real: string[] = [];
    for (const directory of options.directories) {
      const entry = await stat(directory).catch(() => undefined);
      if (entry?.isDirectory() !== true) {
        throw new FlashSlothError("usage", `--root ${directory}: there is no such folder`);
      }
      real.push(latin1(await systemRealPath(directory)));
    }
    return new Roots(options, real);
  }

  /**
   * Where a path leads by its letters: below the first of the folders that has it, where it is relative. The disk is not asked
   * about anything outside.
   * @param path or a `file:` address
   * @throws `image-unreadable` where that is outside; `image-not-found` for what is no path
   */
  async locate(path: string): Promise<string> {
    const given = /^file:\/\//i.test(path) ? fromAddress(path) : path;
    if (given.includes("\0") || given.trim() === "") {
      throw new FlashSlothError("image-not-found", `no such file or folder: ${JSON.stringify(path)}`);
    }
    const candidates = isAbsolute(given)
      ? [resolve(given)]
      : this.folders.map((folder) => resolve(folder, given));
    const inside = candidates.filter((candidate) => this.#mayHold(candidate));
    for (const candidate of inside) {
      const there = await lstat(candidate).catch(() => undefined);
      if (there !== undefined) return candidate;
    }
    const [first] = inside;
    if (first === undefined) throw this.#outside(path);
    return first;
  }

  /**
   * Opens a file to read it, and closes it when `work` is done.
   * @param path as `locate` returned it, or of what lies below
   * @throws `image-unreadable` where it really lies outside; what `work` throws; `image-not-found`
   */
  async open<T>(path: FileName, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    const label = fileLabel(path);
    let handle: FileHandle | undefined;
    try {
      const real = await this.#realPath(path);
      if (!this.#holds(real)) throw this.#outside(label);
      // a pipe that takes the file's place would be waited for, a link followed
      handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      if (!(await this.#holdsOpened(handle, real))) throw this.#outside(label);
      return await work(handle);
    } catch (error) {
      throw pathError(label, error);
    } finally {
      await handle?.close();
    }
  }

  /** @throws `image-unreadable` where a folder really lies outside, `image-not-found` where there is none */
  async checkFolder(path: string): Promise<void> {
    try {
      const real = await this.#realPath(path);
      if (!this.#holds(real)) throw this.#outside(path);
      if (!(await stat(real)).isDirectory()) {
        throw new FlashSlothError("image-not-found", `${path} is a file, not a folder`);
      }
    } catch (error) {
      throw pathError(path, error);
    }
  }

  #mayHold(path: string): boolean {
    const bytes = latin1(Buffer.from(path));
    return this.folders.some((folder) => within(latin1(Buffer.from(folder)), bytes)) || this.#holds(bytes);
  }

  #holds(real: Buffer | string): boolean {
    const path = typeof real === "string" ? real : latin1(real);
    return this.#real.some((root) => within(root, path));
  }

  async #holdsOpened(handle: FileHandle, real: Buffer): Promise<boolean> {
    const lies = await this.#openedPath(handle);
    if (lies !== undefined) return this.#holds(lies);
    // where the system does not say what is open: the same file must still be there, by a path without links
    const again = await this.#realPath(real);
    const [opened, named] = [await handle.stat(), await stat(again)];
    return this.#holds(again) && opened.dev === named.dev && opened.ino === named.ino;
  }

  #outside(path: string): FlashSlothError {
    const { folders } = this;
    const which = folders.length === 0 ? "none was given" : `they are: ${folders.join(", ")}`;
    return new FlashSlothError(
      "image-unreadable",
      `${path} is outside of the folders that may be read here`,
      {
        hint: `${which}; whoever starts the server names them with --root DIR`,
      },
    );
  }
}

/** @throws `image-not-found` for an address of another machine, or one that is no path */
function fromAddress(address: string): string {
  try {
    return fileURLToPath(address);
  } catch (error) {
    throw new FlashSlothError("image-not-found", `${address} is no file on this machine`, { cause: error });
  }
}

/** Names are bytes, each a character here. */
function latin1(bytes: Buffer): string {
  return bytes.toString("latin1");
}

function within(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

async function systemRealPath(path: FileName): Promise<Buffer> {
  return await realpath(path, { encoding: "buffer" });
}

async function procPath(handle: FileHandle): Promise<Buffer | undefined> {
  if (process.platform !== "linux") return undefined;
  return await readlink(join("/proc/self/fd", String(handle.fd)), { encoding: "buffer" }).catch(
    () => undefined,
  );
}
