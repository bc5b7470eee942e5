import type { Agent, Dispatcher, EnvHttpProxyAgent } from "undici";
import { FlashSlothError, messageOf, systemCode } from "../core/errors.ts";
import { PRODUCT } from "../core/version.ts";
import { recognise } from "../image/source.ts";
import { HEAD_BYTES } from "../image/sniff.ts";
import { checkedLookup, checkHost, type AllowAddress, type LookupNames } from "./policy.ts";

/** A JPEG of the largest phone cameras (200 megapixels) has some 80 MB. */
const MAX_BYTES = 128_000_000;
/** A short link, its site, its pictures' host, a region of it. */
const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** How long a server may take, in milliseconds. */
export interface FetchPatience {
  readonly connectMs: number;
  /** without a byte */
  readonly stallMs: number;
  readonly totalMs: number;
}

/** The largest picture over 10 Mbit/s takes 100 s. */
export const FETCH_PATIENCE: FetchPatience = { connectMs: 10_000, stallMs: 20_000, totalMs: 120_000 };

export interface PictureFetcherOptions {
  /** Which addresses may be connected to; where it is given, no proxy is used. @default any */
  readonly allowAddress?: AllowAddress | undefined;
  /** What gives the addresses of a name, where addresses are checked. @default the system */
  readonly lookup?: LookupNames | undefined;
  /** @default 128 MB */
  readonly maxBytes?: number | undefined;
  /** @default 10 s to connect, 20 s without a byte, 2 min in all */
  readonly patience?: FetchPatience | undefined;
}

export function isHttpUrl(name: string): boolean {
  return /^https?:\/\//i.test(name);
}

/**
 * Fetches pictures over HTTP. Redirects are followed a few times, and never to another scheme; what is no picture is left
 * as soon as its first bytes are there. Nothing but the address is sent: no cookies, no referrer, no token.
 */
export class PictureFetcher {
  readonly #allow: AllowAddress | undefined;
  readonly #lookup: LookupNames | undefined;
  readonly #maxBytes: number;
  readonly #patience: FetchPatience;
  #opened: Promise<{ request: typeof import("undici").request; dispatcher: Dispatcher }> | undefined;

  constructor(options: PictureFetcherOptions = {}) {
    this.#allow = options.allowAddress;
    this.#lookup = options.lookup;
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
    this.#patience = options.patience ?? FETCH_PATIENCE;
  }

  /**
   * The bytes of the picture at an address.
   * @throws `image-not-found` where the server says so, `image-unreadable` where it refuses, `image-invalid`,
   *   `image-too-large`, `network`, `timeout`; `interrupted` when aborted
   */
  async fetch(address: string, signal: AbortSignal): Promise<Uint8Array> {
    const end = new AbortController();
    const abort = (): void => end.abort();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      abort();
    }, this.#patience.totalMs);
    signal.addEventListener("abort", abort);
    try {
      signal.throwIfAborted();
      return await this.#fetch(address, end.signal);
    } catch (error) {
      if (signal.aborted) {
        throw new FlashSlothError("interrupted", `${address} was not fetched`, { cause: error });
      }
      if (late) {
        const seconds = this.#patience.totalMs / 1000;
        throw new FlashSlothError("timeout", `${address} was not there after ${seconds} s`, { cause: error });
      }
      throw failure(address, error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    await (await this.#opened)?.dispatcher.destroy();
  }

  async #fetch(address: string, signal: AbortSignal): Promise<Uint8Array> {
    let url = parsed(address);
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const response = await this.#send(url, signal);
      const { statusCode, headers } = response;
      const location = headers["location"];
      if (REDIRECTS.has(statusCode) && typeof location === "string") {
        leave(response);
        url = nextHop(address, url, location);
        continue;
      }
      try {
        if (statusCode !== 200) throw refused(address, statusCode);
        return await this.#read(address, response);
      } finally {
        leave(response);
      }
    }
    throw new FlashSlothError("network", `${address} redirects without end`);
  }

  async #send(url: URL, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    checkHost(url, this.#allow);
    const { request, dispatcher } = await (this.#opened ??= this.#open());
    // a packed answer would not be what its length says
    const headers = {
      "user-agent": PRODUCT.replace(" ", "/"),
      "accept-encoding": "identity",
      accept: "image/*",
    };
    return await request(url, { dispatcher, headers, signal });
  }

  async #open(): Promise<{ request: typeof import("undici").request; dispatcher: Dispatcher }> {
    const undici = await import("undici");
    const { connectMs, stallMs } = this.#patience;
    const times = { bodyTimeout: stallMs, headersTimeout: stallMs };
    const dispatcher: Agent | EnvHttpProxyAgent =
      this.#allow === undefined
        ? new undici.EnvHttpProxyAgent({ ...times, connect: { timeout: connectMs } })
        : new undici.Agent({
            ...times,
            connect: { timeout: connectMs, lookup: checkedLookup(this.#allow, this.#lookup) },
          });
    return { request: undici.request, dispatcher };
  }

  async #read(address: string, { headers, body }: Dispatcher.ResponseData): Promise<Uint8Array> {
    if (Number(headers["content-length"]) > this.#maxBytes) throw this.#tooLarge(address);
    const chunks: Buffer[] = [];
    let size = 0;
    let recognised = false;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size > this.#maxBytes) throw this.#tooLarge(address);
      if (!recognised && size >= HEAD_BYTES) {
        recognise(address, Buffer.concat(chunks));
        recognised = true;
      }
    }
    const bytes = new Uint8Array(Buffer.concat(chunks));
    recognise(address, bytes);
    return bytes;
  }

  #tooLarge(address: string): FlashSlothError {
    const limit = `${this.#maxBytes / 1e6} MB`;
    return new FlashSlothError(
      "image-too-large",
      `${address} has more than ${limit}, too much for a picture`,
      {
        hint: "download it, make it smaller and give its path",
      },
    );
  }
}

/** Ends an answer that is not wanted any longer; nobody has to hear of that. */
function leave({ body }: Dispatcher.ResponseData): void {
  body.on("error", () => undefined);
  body.destroy();
}

function parsed(address: string): URL {
  if (URL.canParse(address)) return new URL(address);
  throw new FlashSlothError("image-not-found", `${address} is no valid URL`);
}

function nextHop(address: string, from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to?.protocol === from.protocol) return to;
  const where = to === undefined ? "something that is no address" : `another scheme, ${to.protocol}`;
  throw new FlashSlothError("image-unreadable", `${address} redirects to ${where}`, {
    hint: to?.protocol === "https:" ? "give its address with https:// in place of http://" : undefined,
  });
}

function refused(address: string, status: number): FlashSlothError {
  const gone = status === 404 || status === 410;
  const code = gone ? "image-not-found" : status >= 500 ? "network" : "image-unreadable";
  return new FlashSlothError(code, `${address} is not to be had: the server answers ${status}`);
}

function failure(address: string, error: unknown): FlashSlothError {
  if (error instanceof FlashSlothError) return error;
  const cause = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  if (cause instanceof FlashSlothError) return cause;
  const stalled = /^UND_ERR_(BODY|HEADERS|CONNECT)_TIMEOUT$/.test(systemCode(cause) ?? "");
  const why = stalled ? "nothing arrived any more" : messageOf(cause);
  return new FlashSlothError("network", `${address} could not be fetched: ${why}`, { cause: error });
}
