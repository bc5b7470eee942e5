import { EnvHttpProxyAgent, request, type Dispatcher } from "undici";
import { FlashSlothError, messageOf, systemCode } from "../../core/errors.ts";
import { PRODUCT } from "../../core/version.ts";
import { refusal } from "./refusal.ts";
import { PATIENCE, Transient, type Patience } from "./retry.ts";
import type { HubSettings } from "./settings.ts";

/** The hub's chain is the hub, its storage, perhaps a region in between. */
const MAX_REDIRECTS = 8;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** A listing's page or an index; the published index has 90 KB. */
const MAX_TEXT_BYTES = 32 * 1024 * 1024;

export interface HubResponse {
  /** where the body comes from, after all redirects */
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  /** headers of the hub's own answer, before any redirect */
  readonly hubHeaders: Headers;
  /** Must be read to its end or destroyed. */
  readonly body: Dispatcher.ResponseData["body"];
}

export interface GetOptions {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Failures of certificates: another attempt cannot help. */
const CERTIFICATE = /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_)/;

function toHeaders(raw: Dispatcher.ResponseData["headers"]): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(raw)) {
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined) headers.append(name, one);
  }
  return headers;
}

/** Ends an answer that is not, or not wholly, wanted: its connection is closed, and nobody has to hear of that. */
export function discard({ body }: Pick<HubResponse, "body">): void {
  body.on("error", () => undefined);
  body.destroy();
}

/** A connection's failure, in the terms of our errors; the address is named without its query, which may be signed. */
export function connectionFailure(
  error: unknown,
  url: URL,
  what: "cannot be reached" | "broke off" = "cannot be reached",
): Transient | FlashSlothError {
  if (error instanceof Transient || error instanceof FlashSlothError) return error;
  const inner = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const code = systemCode(inner) ?? systemCode(error) ?? "";
  const why =
    code === "UND_ERR_BODY_TIMEOUT" || code === "UND_ERR_HEADERS_TIMEOUT"
      ? "nothing arrived any more"
      : messageOf(inner);
  const failure = new FlashSlothError("network", `${url.host} ${what}: ${why}`, {
    cause: error,
    hint: CERTIFICATE.test(code)
      ? "behind a proxy that opens connections, set NODE_EXTRA_CA_CERTS to its certificate"
      : "check the connection and the proxy settings, then run the same command again: it goes on where it stopped",
  });
  return CERTIFICATE.test(code) ? failure : new Transient(failure);
}

/** Requests to one hub: its token, its redirects, its refusals. Proxies come from the environment. */
export class HubConnection {
  readonly settings: HubSettings;
  readonly patience: Patience;
  readonly #dispatcher: Dispatcher;
  readonly #origin: string;

  constructor(settings: HubSettings, patience: Patience = PATIENCE) {
    this.settings = settings;
    this.patience = patience;
    this.#origin = new URL(settings.endpoint).origin;
    this.#dispatcher = new EnvHttpProxyAgent({
      // the stall watchdog: time between two pieces, never the whole transfer
      bodyTimeout: patience.stallMs,
      headersTimeout: patience.stallMs,
      connect: { timeout: patience.connectMs },
    });
  }

  /**
   * GET, redirects followed. The token goes to the hub's own origin and nowhere else.
   * @throws Transient for what may pass; `access`, `model-missing`, `network` for what will not
   */
  async get(address: string | URL, options: GetOptions = {}): Promise<HubResponse> {
    const { headers = {}, signal } = options;
    if (this.settings.offline) throw offlineError();
    let url = new URL(address);
    let hubHeaders: Headers | undefined;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const response = await this.#send(url, headers, signal);
      const received = toHeaders(response.headers);
      hubHeaders ??= received;
      const status = response.statusCode;
      const location = received.get("location");
      if (!REDIRECTS.has(status) || location === null) {
        if (status >= 400 && status !== 416) {
          const failure = refusal(status, received, url, this.settings);
          await response.body.dump().catch(() => undefined);
          throw failure;
        }
        return { url, status, headers: received, hubHeaders, body: response.body };
      }
      await response.body.dump().catch(() => undefined);
      url = nextHop(url, location);
    }
    throw new FlashSlothError("network", `${new URL(address).host} redirects without end`);
  }

  async #send(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<Dispatcher.ResponseData> {
    const { token } = this.settings;
    const authorised = token !== undefined && url.origin === this.#origin;
    try {
      return await request(url, {
        dispatcher: this.#dispatcher,
        // ranges and hashes are those of the stored bytes, so nothing may be compressed on the way
        headers: {
          "user-agent": PRODUCT.replace(" ", "/"),
          "accept-encoding": "identity",
          ...headers,
          ...(authorised ? { authorization: `Bearer ${token}` } : {}),
        },
        signal: signal ?? null,
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw connectionFailure(error, url);
    }
  }

  /** The text of a small answer and its headers. @throws as `get`, and `network` when it is not small */
  async getText(
    address: string | URL,
    options: GetOptions = {},
  ): Promise<{ text: string; headers: Headers }> {
    const { url, body, headers } = await this.get(address, options);
    const pieces: Buffer[] = [];
    let length = 0;
    try {
      for await (const piece of body as AsyncIterable<Buffer>) {
        length += piece.byteLength;
        if (length > MAX_TEXT_BYTES) throw new FlashSlothError("network", `the hub's answer is too long`);
        pieces.push(piece);
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      throw connectionFailure(error, url, "broke off");
    }
    return { text: Buffer.concat(pieces).toString("utf8"), headers };
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }
}

function nextHop(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const safe =
    to !== undefined && (to.protocol === "https:" || (to.protocol === "http:" && from.protocol === "http:"));
  if (to === undefined || !safe) {
    throw new FlashSlothError("network", `${from.host} redirects to an address that is not safe to follow`);
  }
  return to;
}

export function offlineError(): FlashSlothError {
  return new FlashSlothError("model-missing", "HF_HUB_OFFLINE is set, so nothing can be fetched", {
    hint: "unset it and run the command again",
  });
}
