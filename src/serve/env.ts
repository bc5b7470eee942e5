import type { HttpBindings } from "@hono/node-server";

/** What handlers find in Hono's context. */
export interface ServeEnv {
  Bindings: HttpBindings;
  Variables: {
    /** `req_…` */
    requestId: string;
    /** what the log says of the request beside what every request has */
    said: { tokens?: { readonly prompt: number; readonly answer: number }; code?: string };
  };
}
