import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { PictureFetcher, type FetchPatience, type PictureFetcherOptions } from "../addresses/fetch.ts";
import { isPublicAddress } from "../addresses/public.ts";
import { FlashSlothError } from "../core/errors.ts";
import { errorBody } from "../openai/completion.ts";
import { Admission } from "./admission.ts";
import { createApp } from "./app.ts";
import { HostList, isLoopback } from "./guard/hosts.ts";
import { listen } from "./listen.ts";
import { Metrics } from "./metrics.ts";
import { OpenRequests } from "./open-requests.ts";
import {
  CLIENT_PATIENCE,
  DEFAULT_LIMITS,
  type Access,
  type ClientPatience,
  type Limits,
  type LogEntry,
  type ServedModel,
} from "./options.ts";
import { Pictures } from "./pictures.ts";

/** Requests beyond those at work whose pictures get ready meanwhile. */
const AHEAD = 4;
/** A server whose picture is fetched may take this long; its client waits meanwhile. */
const FETCH_PATIENCE: FetchPatience = { connectMs: 5000, stallMs: 5000, totalMs: 30_000 };
/** More open connections than this are refused: each takes memory, whatever it says. */
const MOST_CONNECTIONS = 1024;

export interface ServeOptions extends Access, Limits {
  readonly model: ServedModel;
  /** The address to listen at. @default "127.0.0.1" */
  readonly host?: string | undefined;
  /** 0 takes any that is free. @default 8765 */
  readonly port?: number | undefined;
  /** Whether pictures are fetched that are named by their address, from public addresses only. @default false */
  readonly remoteImages?: boolean | undefined;
  /** Which addresses those are, and how names become addresses, in tests. @default the public ones, by the system */
  readonly remote?: Pick<PictureFetcherOptions, "allowAddress" | "lookup"> | undefined;
  /** How long clients may take to say what they want. @default 10 s for headers, 130 s in all */
  readonly patience?: ClientPatience | undefined;
  /** Hears of every request that is over. @default nobody */
  readonly log?: ((entry: LogEntry) => void) | undefined;
}

export interface RunningServer {
  /** `http://127.0.0.1:8765` */
  readonly url: string;
  /** requests that are not answered yet */
  readonly open: number;
  /**
   * Takes nothing new, and resolves when everything is answered.
   * @param graceMs after so long what is still under way is given up
   */
  stop(graceMs: number): Promise<void>;
}

export const DEFAULT_HOST = "127.0.0.1";
export const DEFAULT_PORT = 8765;

/**
 * Serves a loaded model over HTTP, in the form of OpenAI's chat completions.
 * @throws `usage` where it would be open to others without a key, or the address cannot be listened at
 */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const {
    model,
    host = DEFAULT_HOST,
    port = DEFAULT_PORT,
    apiKey,
    allowedHosts = [],
    origins = [],
  } = options;
  const { maxBody = DEFAULT_LIMITS.maxBody, maxPixels = DEFAULT_LIMITS.maxPixels } = options;
  const { queue = DEFAULT_LIMITS.queue, timeoutMs } = options;
  if (apiKey === undefined && !isLoopback(host)) {
    throw new FlashSlothError("usage", `at ${host} everybody who reaches this machine could use the server`, {
      hint: "give a key with --api-key-file or FLASHSLOTH_API_KEY, or leave --host away",
    });
  }
  const { parallel } = await model.engine.ready();
  const { allowAddress = isPublicAddress, lookup } = options.remote ?? {};
  const fetcher =
    options.remoteImages === true
      ? new PictureFetcher({ allowAddress, lookup, maxBytes: maxBody, patience: FETCH_PATIENCE })
      : undefined;
  const admission = new Admission({ working: parallel + AHEAD, most: parallel + queue });
  const metrics = new Metrics({ engine: model.engine, admission });
  const ending = new AbortController();
  let stopping = false;
  const app = createApp({
    model,
    maxBody,
    timeoutMs,
    apiKey,
    origins,
    hosts: new HostList({ bound: host, allowed: allowedHosts }),
    admission,
    metrics,
    pictures: new Pictures({ engine: model.engine, maxPixels, fetcher }),
    ending: ending.signal,
    stopping: () => stopping,
    took: (entry) => {
      metrics.took(entry);
      options.log?.(entry);
    },
  });
  const { headersMs, requestMs } = options.patience ?? CLIENT_PATIENCE;
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false, errorHandler: malformed });
  const open = new OpenRequests();
  const server = createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: Math.min(1000, headersMs),
    },
    (request, response) => {
      open.add(response);
      void answer(request, response);
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  const url = await listen(server, host, port);
  return {
    url,
    get open() {
      return open.count;
    },
    stop: async (graceMs) => {
      stopping = true;
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      const timer = setTimeout(() => ending.abort(), graceMs);
      await open.none();
      clearTimeout(timer);
      server.closeAllConnections();
      await closed;
      await fetcher?.close();
    },
  };
}

/** For what is no request to any address, such as one without a Host. */
function malformed(): Response {
  const message = "this is no HTTP request that could be answered";
  return Response.json(errorBody({ message, code: "malformed_request" }), { status: 400 });
}
