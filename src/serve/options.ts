import type { EngineHandle } from "../engine/api.ts";

/** Bounds on what clients may ask for. */
export interface Limits {
  /** Bytes of a request's body, and of a picture that is fetched. @default 32 MB */
  readonly maxBody?: number | undefined;
  /** Pixels of a picture. @default 100 million */
  readonly maxPixels?: number | undefined;
  /** Requests that wait while as many as the engine takes are worked on; more are turned away. @default 64 */
  readonly queue?: number | undefined;
  /** Milliseconds for one request, waiting included. @default none */
  readonly timeoutMs?: number | undefined;
}

export const DEFAULT_LIMITS = { maxBody: 32_000_000, maxPixels: 100_000_000, queue: 64 } as const;

/** Who may ask. */
export interface Access {
  /** @default no key is needed */
  readonly apiKey?: string | undefined;
  /** Names under which clients may call the server, besides its own. @default none */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Origins whose pages may use the server, such as `https://example.org`. @default none */
  readonly origins?: readonly string[] | undefined;
}

/** How long clients may take to say what they want, in milliseconds. */
export interface ClientPatience {
  /** until the headers are there */
  readonly headersMs: number;
  /** until the body is there too: 32 MB over 2 Mbit/s take this long */
  readonly requestMs: number;
}

export const CLIENT_PATIENCE: ClientPatience = { headersMs: 10_000, requestMs: 130_000 };

/** One line of the log. No picture, question or answer is in it. */
export interface LogEntry {
  readonly id: string;
  readonly method: string;
  /** the route, not what the client wrote */
  readonly route: string;
  readonly status: number;
  readonly ms: number;
  readonly tokens?: { readonly prompt: number; readonly answer: number } | undefined;
  /** why it failed, by its stable name */
  readonly code?: string | undefined;
}

/** What the server answers with. */
export interface ServedModel {
  readonly engine: EngineHandle;
  /** what clients call it */
  readonly name: string;
}
