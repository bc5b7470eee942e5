import { open, type FileHandle } from "node:fs/promises";
import { FlashSlothError, messageOf, systemCode } from "../core/errors.ts";

/** Where the answers go. */
export interface Output {
  /** Whether pieces of a line may be written before the rest is known. */
  readonly streams: boolean;
  /** Aborts when nobody reads any more (`| head -1`). */
  readonly closed: AbortSignal;
  /** Resolves once the reader has taken the text. @throws `disk` */
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

/** Standard output. A closed pipe is no error: it aborts `closed`, and what is written later goes nowhere. */
export class StreamOutput implements Output {
  readonly streams = true;
  readonly #stream: NodeJS.WritableStream;
  readonly #closed = new AbortController();

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
    stream.on("error", this.#onError);
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  async write(text: string): Promise<void> {
    if (this.#closed.signal.aborted) return;
    return new Promise((resolve, reject) => {
      this.#stream.write(text, (error) => {
        if (error === undefined || error === null || isClosedPipe(error)) resolve();
        else reject(writeError("standard output", error));
      });
    });
  }

  async close(): Promise<void> {}

  readonly #onError = (error: Error): void => {
    // any other failure reaches the caller through `write`
    if (isClosedPipe(error)) this.#closed.abort();
  };
}

/**
 * A file of answers (`-o`). It is opened before any work, so that a path that cannot be written costs nothing, and
 * emptied only when the first answer is there. A failed write leaves the whole answers before it in the file, and
 * sends its own to `fallback`.
 */
export class FileOutput implements Output {
  readonly streams = false;
  readonly closed: AbortSignal = new AbortController().signal;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #regular: boolean;
  readonly #fallback: Output;
  /** bytes of whole answers; undefined until the old content is gone */
  #length: number | undefined;

  private constructor(path: string, handle: FileHandle, regular: boolean, fallback: Output) {
    this.#path = path;
    this.#handle = handle;
    this.#regular = regular;
    this.#fallback = fallback;
  }

  static async open(path: string, fallback: Output): Promise<FileOutput> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, "a");
      return new FileOutput(path, handle, (await handle.stat()).isFile(), fallback);
    } catch (error) {
      await handle?.close();
      throw writeError(path, error);
    }
  }

  async write(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    try {
      if (this.#length === undefined) await this.#cut(0);
      await this.#handle.appendFile(bytes);
    } catch (error) {
      await this.#cut(this.#length ?? 0).catch(() => {}); // the write's own failure is the one to report
      await this.#fallback.write(text);
      throw writeError(this.#path, error, "it was printed instead; the answers before it are in the file");
    }
    this.#length = (this.#length ?? 0) + bytes.byteLength;
  }

  async close(): Promise<void> {
    try {
      await this.#handle.close();
    } catch (error) {
      throw writeError(this.#path, error);
    }
  }

  async #cut(length: number): Promise<void> {
    if (this.#regular) await this.#handle.truncate(length);
    this.#length = length;
  }
}

function isClosedPipe(error: unknown): boolean {
  const code = systemCode(error);
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED";
}

function writeError(where: string, error: unknown, hint?: string): FlashSlothError {
  const reasons: Record<string, string> = {
    ENOSPC: "the disk is full",
    EDQUOT: "the disk quota is used up",
    EACCES: "no permission to write there",
    EROFS: "that file system is read-only",
    EISDIR: "it is a folder",
    ENOENT: "its folder does not exist",
  };
  const reason = reasons[systemCode(error) ?? ""] ?? messageOf(error);
  const message = `the answer cannot be written to ${where}: ${reason}`;
  return new FlashSlothError("disk", message, { cause: error, hint });
}
