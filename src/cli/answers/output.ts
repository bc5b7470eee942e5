import { FlashSlothError, messageOf, systemCode } from "../../core/errors.ts";

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

function isClosedPipe(error: unknown): boolean {
  const code = systemCode(error);
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED";
}

/** @param where what could not be written to. @param about `what` is "the answer" unless it is said otherwise */
export function writeError(
  where: string,
  error: unknown,
  { what = "the answer", hint }: { readonly what?: string; readonly hint?: string } = {},
): FlashSlothError {
  const reasons: Record<string, string> = {
    ENOSPC: "the disk is full",
    EDQUOT: "the disk quota is used up",
    EACCES: "no permission to write there",
    EROFS: "that file system is read-only",
    EISDIR: "it is a folder",
    ENOENT: "its folder does not exist",
  };
  const reason = reasons[systemCode(error) ?? ""] ?? messageOf(error);
  const message = `${what} cannot be written to ${where}: ${reason}`;
  return new FlashSlothError("disk", message, { cause: error, hint });
}
