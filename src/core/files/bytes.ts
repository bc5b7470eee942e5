import { open, type FileHandle } from "node:fs/promises";
import { FlashSlothError, systemCode, messageOf } from "../errors.ts";

/** Bytes at known offsets: a file, memory, or (later) a range of something remote. */
export interface ByteSource {
  /** Where the bytes come from, for messages. */
  readonly name: string;
  /** Total length in bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`. Throws when the range is not wholly inside. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A place that takes bytes in order. */
export interface ByteSink {
  readonly name: string;
  /** Bytes written so far. */
  readonly position: number;
  write(bytes: Uint8Array): Promise<void>;
}

function checkRange(source: ByteSource, offset: number, length: number): void {
  const inside = offset >= 0 && length >= 0 && offset + length <= source.size;
  if (!inside || !Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) {
    throw new FlashSlothError(
      "checkpoint-invalid",
      `${source.name}: bytes ${offset}..${offset + length} lie outside its ${source.size} bytes`,
    );
  }
}

export class MemorySource implements ByteSource {
  readonly name: string;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, name = "memory") {
    this.#bytes = bytes;
    this.name = name;
  }

  get size(): number {
    return this.#bytes.byteLength;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this, offset, length);
    return this.#bytes.slice(offset, offset + length);
  }

  async close(): Promise<void> {}
}

export class FileSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #handle: FileHandle;

  private constructor(name: string, size: number, handle: FileHandle) {
    this.name = name;
    this.size = size;
    this.#handle = handle;
  }

  /** @throws the system's own error when the file cannot be opened */
  static async open(path: string): Promise<FileSource> {
    const handle = await open(path, "r");
    try {
      const { size } = await handle.stat();
      return new FileSource(path, size, handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this, offset, length);
    const bytes = new Uint8Array(length);
    await this.readInto(bytes, offset);
    return bytes;
  }

  /** Fills `bytes` with what stands from `offset` on. Throws as `read` does. */
  async readInto(bytes: Uint8Array, offset: number): Promise<void> {
    checkRange(this, offset, bytes.byteLength);
    let filled = 0;
    while (filled < bytes.byteLength) {
      const left = bytes.byteLength - filled;
      const { bytesRead } = await this.#handle.read(bytes, filled, left, offset + filled);
      if (bytesRead === 0) {
        throw new FlashSlothError("checkpoint-invalid", `${this.name}: the file became shorter while read`);
      }
      filled += bytesRead;
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Writes a new file in order; a full disk or a refusal becomes one `disk` error that names the file. */
export class FileSink implements ByteSink {
  readonly name: string;
  #position = 0;
  readonly #handle: FileHandle;

  private constructor(name: string, handle: FileHandle) {
    this.name = name;
    this.#handle = handle;
  }

  /** A new file of what `work` writes, on the disk when this returns; an unfinished one is left to the caller. */
  static async fill<T>(path: string, work: (sink: FileSink) => Promise<T>): Promise<T> {
    const refuse = (error: unknown): never => {
      throw diskError(path, error);
    };
    const handle = await open(path, "w").catch(refuse);
    try {
      const result = await work(new FileSink(path, handle));
      await handle.sync().catch(refuse);
      return result;
    } finally {
      await handle.close();
    }
  }

  get position(): number {
    return this.#position;
  }

  async write(bytes: Uint8Array): Promise<void> {
    let done = 0;
    while (done < bytes.byteLength) {
      try {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.byteLength - done);
        done += bytesWritten;
        this.#position += bytesWritten;
      } catch (error) {
        throw diskError(this.name, error);
      }
    }
  }
}

/** A failed write as a `disk` error with the reason in plain words. */
export function diskError(path: string, error: unknown): FlashSlothError {
  if (error instanceof FlashSlothError) return error;
  const code = systemCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new FlashSlothError("disk", `the disk is full: ${path} could not be written`, {
      cause: error,
      hint: "free some space, or set FLASHSLOTH_HOME to a folder on another disk, and run the command again",
    });
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new FlashSlothError("disk", `no permission to write ${path}`, {
      cause: error,
      hint: "set FLASHSLOTH_HOME to a folder that you may write to",
    });
  }
  return new FlashSlothError("disk", `${path} could not be written: ${messageOf(error)}`, { cause: error });
}
