import type { Hash } from "node:crypto";
import { createReadStream } from "node:fs";

/** 1 MiB: large enough that the hash, not the call, costs the time. */
const READ_BYTES = 1024 * 1024;

export interface HashFileOptions {
  /** Told how many bytes of the file are done; what it throws ends the reading. @default nobody */
  readonly onBytes?: ((done: number) => void) | undefined;
  /** @default never stops */
  readonly signal?: AbortSignal | undefined;
}

/** Feeds a file's bytes to `hash`; how many there were. @throws the system's own error, or the signal's */
export async function hashFile(path: string, hash: Hash, options: HashFileOptions = {}): Promise<number> {
  const { onBytes, signal } = options;
  let done = 0;
  const stream = createReadStream(path, { highWaterMark: READ_BYTES, ...(signal && { signal }) });
  for await (const piece of stream as AsyncIterable<Buffer>) {
    hash.update(piece);
    done += piece.byteLength;
    onBytes?.(done);
  }
  return done;
}
