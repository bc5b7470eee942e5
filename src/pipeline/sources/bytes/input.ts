import { close, createReadStream, fstat, open } from "node:fs";
import { Socket } from "node:net";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { FlashSlothError, messageOf, systemCode } from "../../../core/errors.ts";

/** 64 KiB, what a pipe holds. */
const READ_BYTES = 64 * 1024;

/** A text that is read as it comes. */
export interface Input {
  /** For messages: the file as given, or `standard input`. */
  readonly name: string;
  /** The folder that the file is in. @default it is in none */
  readonly directory: string | undefined;
  /** @throws `usage` where it cannot be read on */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Ends the reading, even while it waits for more: `bytes` is over then. */
  close(): void;
}

export interface OpenInputOptions {
  /** A file, a named pipe, or `-` for standard input. */
  readonly file: string;
  /** What `-` reads. @default process.stdin */
  readonly stdin?: Readable | undefined;
}

/** Opens a list or a file of questions. @throws `usage` where it is not there, or may not be read */
export async function openInput({ file, stdin = process.stdin }: OpenInputOptions): Promise<Input> {
  const name = file === "-" ? "standard input" : file;
  const stream = file === "-" ? stdin : await openFile(file);
  let closed = false;
  async function* read(): AsyncGenerator<Uint8Array, void, void> {
    try {
      for await (const chunk of stream as AsyncIterable<Uint8Array | string>) {
        yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      }
    } catch (error) {
      if (!closed) throw unreadable(name, error);
    }
  }
  return {
    name,
    directory: file === "-" ? undefined : dirname(file),
    bytes: read(),
    close: () => {
      closed = true;
      stream.destroy();
    },
  };
}

async function openFile(file: string): Promise<Readable> {
  try {
    const fd = await promisify(open)(file, "r");
    const entry = await promisify(fstat)(fd);
    // reading a pipe as a file would hold a thread until something comes, and with it the process
    if (entry.isFIFO()) return new Socket({ fd, readable: true, writable: false });
    if (!entry.isDirectory()) return createReadStream(file, { fd, highWaterMark: READ_BYTES });
    await promisify(close)(fd);
  } catch (error) {
    throw unreadable(file, error);
  }
  throw new FlashSlothError("usage", `${file} is a folder, not a file`);
}

function unreadable(name: string, error: unknown): FlashSlothError {
  if (error instanceof FlashSlothError) return error;
  const reasons: Record<string, string> = {
    ENOENT: "it is not there",
    EACCES: "no permission",
    EPERM: "no permission",
    EISDIR: "it is a folder",
  };
  const reason = reasons[systemCode(error) ?? ""] ?? messageOf(error);
  return new FlashSlothError("usage", `${name} cannot be read: ${reason}`, { cause: error });
}
