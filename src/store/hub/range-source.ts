import type { ByteSource } from "../../core/files/bytes.ts";
import { FlashSlothError } from "../../core/errors.ts";
import { connectionFailure, discard, type HubConnection, type HubResponse } from "./connection.ts";
import { fileAddress, refuseOtherFile } from "./fetch-file.ts";
import type { HubFile } from "./listing.ts";
import { Transient, withRetries, type RetryOptions } from "./retry.ts";

/** Holds the header of nearly any file. */
const FIRST_WINDOW = 128 * 1024;

/** A server that sends whole files only is read up to here, and no further. */
const MAX_SKIPPED_BYTES = 128 * 1024 * 1024;

export interface RangeSourceOptions {
  readonly connection: HubConnection;
  readonly repo: string;
  readonly commit: string;
  readonly file: HubFile;
  readonly retry: RetryOptions;
  /**
   * The most that is asked for beyond a read, to be kept for the next one. The first read gets 128 KiB, each later one four times as
   * much as the one before. @default 128 KiB
   */
  readonly window?: number | undefined;
  /** Bytes that came over the network. @default nobody */
  readonly onReceived?: ((count: number) => void) | undefined;
}

/**
 * A file of the hub of which ranges are read, into memory. The hub lists a hash of the whole file only, which says nothing about a part:
 * each answer must be of the listed content by the hub's own word, of one `ETag`, and of the right length.
 */
export class RangeSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #options: RangeSourceOptions;
  #window: { readonly offset: number; readonly bytes: Uint8Array } = { offset: 0, bytes: new Uint8Array() };
  #ahead = FIRST_WINDOW;
  #etag: string | undefined;

  constructor(options: RangeSourceOptions) {
    this.name = `${options.repo}/${options.file.path}`;
    this.size = options.file.size;
    this.#options = options;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size)) {
      throw new FlashSlothError(
        "checkpoint-invalid",
        `${this.name}: bytes ${offset}..${offset + length} lie outside`,
      );
    }
    if (length === 0) return new Uint8Array();
    const { window = FIRST_WINDOW, retry } = this.#options;
    const have = this.#window;
    if (offset < have.offset || offset + length > have.offset + have.bytes.byteLength) {
      const end = Math.min(this.size, offset + Math.max(length, this.#ahead));
      const bytes = await withRetries(retry, async () => this.#fetch(offset, end));
      this.#ahead = Math.min(window, 4 * this.#ahead);
      this.#window = { offset, bytes };
    }
    const at = offset - this.#window.offset;
    return this.#window.bytes.slice(at, at + length);
  }

  async close(): Promise<void> {}

  async #fetch(begin: number, end: number): Promise<Uint8Array> {
    const { connection, retry } = this.#options;
    const headers = { range: `bytes=${begin}-${end - 1}` };
    const response = await connection.get(fileAddress(this.#options), { headers, signal: retry.signal });
    try {
      refuseOtherFile(this.#options, response);
      return await this.#take(response, begin, end);
    } catch (error) {
      retry.signal?.throwIfAborted();
      throw connectionFailure(error, response.url, "broke off");
    } finally {
      discard(response);
    }
  }

  async #take({ status, headers, body }: HubResponse, begin: number, end: number): Promise<Uint8Array> {
    const { file, onReceived } = this.#options;
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
    const partly =
      status === 206 && Number(range?.[1]) === begin && [`${file.size}`, "*"].includes(range?.[3] ?? "");
    if (!partly && status !== 200) throw this.#odd(`answered a range with HTTP ${status}`);
    let skip = partly ? 0 : begin;
    if (skip > MAX_SKIPPED_BYTES) {
      throw new FlashSlothError("network", `the hub sends no parts of ${file.path}, only the whole file`, {
        hint: "try another HF_ENDPOINT, or fetch the whole repository with the hub's own tools first",
      });
    }
    const etag = headers.get("etag") ?? undefined;
    if (this.#etag !== undefined && etag !== this.#etag) throw this.#odd("changed");
    this.#etag = etag;
    const bytes = new Uint8Array(end - begin);
    let filled = 0;
    for await (const piece of body as AsyncIterable<Buffer>) {
      onReceived?.(piece.byteLength);
      const wanted = piece.subarray(Math.min(skip, piece.byteLength));
      skip -= piece.byteLength - wanted.byteLength;
      const taken = wanted.subarray(0, bytes.byteLength - filled);
      bytes.set(taken, filled);
      filled += taken.byteLength;
      if (filled === bytes.byteLength) return bytes;
    }
    throw this.#odd(`ended after ${filled} of ${bytes.byteLength} bytes of a range`);
  }

  #odd(what: string): Transient {
    return new Transient(new FlashSlothError("network", `${this.name} ${what}`));
  }
}
