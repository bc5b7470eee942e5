import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { ApiError } from "../api-error.ts";
import type { ServeEnv } from "../env.ts";
import { hostNameOf, type HostList } from "./hosts.ts";
import { carriesKey } from "./keys.ts";

export interface GuardOptions {
  readonly hosts: HostList;
  /** of others, whose pages may use the server */
  readonly origins: readonly string[];
}

/** Turns away whoever calls the server by a foreign name, and pages of foreign origins. */
export function guard({ hosts, origins }: GuardOptions): MiddlewareHandler<ServeEnv> {
  return async (c, next) => {
    const { host } = c.env.incoming.headers;
    if (!hosts.allows(host) || !hosts.allows(new URL(c.req.url).host)) {
      throw new ApiError({
        status: 403,
        code: "host_not_allowed",
        message: "this server is not called by that name; --allowed-host adds one",
      });
    }
    const { origin } = c.env.incoming.headers;
    if (origin !== undefined && !origins.includes(origin) && !isOwn(origin, host)) {
      throw new ApiError({
        status: 403,
        code: "origin_not_allowed",
        message: "pages of that origin may not use this server; --cors adds one",
      });
    }
    await next();
  };
}

/** Whether a page came from this very server. TLS may end before it. */
function isOwn(origin: string, host: string | undefined): boolean {
  if (host === undefined || hostNameOf(host) === undefined) return false;
  return origin === `http://${host}` || origin === `https://${host}`;
}

/** Lets pages of these origins read what they ask for. */
export function crossOrigin(origins: readonly string[]): MiddlewareHandler<ServeEnv> {
  return cors({
    origin: [...origins],
    allowMethods: ["GET", "POST"],
    exposeHeaders: ["x-request-id", "retry-after"],
    maxAge: 600,
  });
}

/** Wants the key, where there is one. */
export function keyed(apiKey: string | undefined): MiddlewareHandler<ServeEnv> {
  return async (c, next) => {
    if (apiKey !== undefined && !carriesKey(c.req.header("authorization"), apiKey)) {
      throw new ApiError({
        status: 401,
        code: "invalid_api_key",
        message: "the API key is missing or wrong; send it as: Authorization: Bearer KEY",
        headers: { "www-authenticate": "Bearer" },
      });
    }
    await next();
  };
}
