import { createHash } from "node:crypto";
import { access, constants, open, realpath, type FileHandle } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { FlashSlothError } from "../../core/errors.ts";
import { tryLock, type HeldLock } from "../../core/files/lock.ts";
import { storePaths } from "../../store/home.ts";
import { writeError, type Output } from "./output.ts";

/**
 * A file of answers (`-o`). It is opened and locked before any work, so that a path that cannot be written costs nothing, and
 * emptied only when the first answer is there. A failed write leaves the whole answers before it in the file, and
 * sends its own to `fallback`.
 */
export class FileOutput implements Output {
  readonly streams = false;
  readonly closed: AbortSignal = new AbortController().signal;
  /** Whether it is a file that can be gone on with later, not a pipe or a device. */
  readonly regular: boolean;
  readonly #path: string;
  readonly #fallback: Output;
  readonly #lock: HeldLock | undefined;
  #handle: FileHandle;
  /** bytes of whole answers; undefined until the old content is gone */
  #length: number | undefined;

  private constructor(parts: Pick<FileOutput, "regular"> & Opened) {
    this.regular = parts.regular;
    this.#path = parts.path;
    this.#handle = parts.handle;
    this.#fallback = parts.fallback;
    this.#lock = parts.lock;
  }

  /** @throws `disk`; `usage` when another run writes to it */
  static async open(path: string, fallback: Output): Promise<FileOutput> {
    let handle: FileHandle | undefined;
    let lock: HeldLock | undefined;
    try {
      handle = await open(path, "a");
      const regular = (await handle.stat()).isFile();
      if (regular) {
        lock = await locked(path);
        // whoever held the lock may have put another file in its place
        await handle.close();
        handle = await open(path, "a");
      }
      return new FileOutput({ path, handle, regular, fallback, lock });
    } catch (error) {
      await handle?.close();
      await lock?.release();
      throw error instanceof FlashSlothError ? error : writeError(path, error);
    }
  }

  /** Whether nothing is in it that stays. */
  get empty(): boolean {
    return (this.#length ?? 0) === 0;
  }

  /** Keeps the old content as `tidy` leaves it, and goes on behind it. */
  async keep<T>(tidy: () => Promise<T>): Promise<T> {
    const result = await tidy();
    try {
      await this.#handle.close();
      this.#handle = await open(this.#path, "a");
      this.#length = (await this.#handle.stat()).size;
    } catch (error) {
      throw writeError(this.#path, error);
    }
    return result;
  }

  async write(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    try {
      if (this.#length === undefined) await this.#cut(0);
      await this.#handle.appendFile(bytes);
    } catch (error) {
      await this.#cut(this.#length ?? 0).catch(() => {}); // the write's own failure is the one to report
      await this.#fallback.write(text);
      throw writeError(this.#path, error, {
        hint: "it was printed instead; the answers before it are in the file",
      });
    }
    this.#length = (this.#length ?? 0) + bytes.byteLength;
  }

  async close(): Promise<void> {
    try {
      await this.#handle.close();
    } catch (error) {
      throw writeError(this.#path, error);
    } finally {
      await this.#lock?.release();
    }
  }

  async #cut(length: number): Promise<void> {
    if (this.regular) await this.#handle.truncate(length);
    this.#length = length;
  }
}

interface Opened {
  readonly path: string;
  readonly handle: FileHandle;
  readonly fallback: Output;
  readonly lock: HeldLock | undefined;
}

/**
 * The lock lies beside the file, where every machine that sees the one sees the other; in the store, where that folder may not
 * be written.
 */
async function locked(path: string): Promise<HeldLock> {
  const real = await realpath(path);
  const folder = dirname(real);
  const beside = await access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
  const digest = createHash("sha256").update(beside ? basename(real) : real);
  const lock = await tryLock({
    directory: beside ? folder : storePaths().locks,
    key: `.flashsloth-${digest.digest("hex").slice(0, 16)}`,
  });
  if ("release" in lock) return lock;
  const message = `${path} is being written by process ${lock.pid}`;
  throw new FlashSlothError("usage", message, { hint: "wait for it to end, or name another file with -o" });
}
