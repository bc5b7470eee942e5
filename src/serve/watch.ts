import { randomBytes } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { ApiError } from "./api-error.ts";
import type { ServeEnv } from "./env.ts";
import type { LogEntry } from "./options.ts";

/** As nginx has it: the client did not wait for the answer. */
const CLIENT_GONE = 499;

export interface WatchOptions {
  /** Hears of each request when its answer is sent, or its client has gone. */
  readonly took: (entry: LogEntry) => void;
  /** Whether the server takes nothing new any more. */
  readonly stopping: () => boolean;
}

/** Gives each request an id, and tells when and how it ended. */
export function watch({ took, stopping }: WatchOptions): MiddlewareHandler<ServeEnv> {
  return async (c, next) => {
    const start = performance.now();
    const id = `req_${randomBytes(12).toString("hex")}`;
    const said: ServeEnv["Variables"]["said"] = {};
    c.set("requestId", id);
    c.set("said", said);
    c.header("x-request-id", id);
    const { outgoing } = c.env;
    outgoing.once("close", () => {
      took({
        id,
        method: c.req.method,
        route: routeOf(routePath(c, -1)),
        status: outgoing.writableFinished ? outgoing.statusCode : CLIENT_GONE,
        ms: performance.now() - start,
        ...said,
      });
    });
    if (stopping()) {
      throw new ApiError({
        status: 503,
        code: "stopping",
        message: "the server is about to end",
        headers: { connection: "close", "retry-after": "10" },
      });
    }
    await next();
  };
}

/** A route's path as people write it: `/v1/models/:id{.+}` is `/v1/models/{id}`. */
function routeOf(path: string): string {
  return path.includes("*") ? "other" : path.replaceAll(/:(\w+)\{[^}]*\}/g, "{$1}");
}
