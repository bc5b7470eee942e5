import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { errorBody } from "../openai/completion.ts";
import { ApiError, apiErrorOf } from "./api-error.ts";
import { chat, type ChatParts } from "./chat.ts";
import type { ServeEnv } from "./env.ts";
import { crossOrigin, guard, keyed } from "./guard/guard.ts";
import type { HostList } from "./guard/hosts.ts";
import { modelBody } from "./models.ts";
import { addPage } from "./page/page.ts";
import { watch, type WatchOptions } from "./watch.ts";

export interface AppOptions extends ChatParts, WatchOptions {
  /** @default no key is needed */
  readonly apiKey: string | undefined;
  readonly origins: readonly string[];
  readonly hosts: HostList;
  readonly maxBody: number;
}

/** The routes, and what every request goes through before it comes to one. */
export function createApp(options: AppOptions): Hono<ServeEnv> {
  const { apiKey, origins, hosts, maxBody, model, metrics } = options;
  const created = Math.floor(Date.now() / 1000);
  const app = new Hono<ServeEnv>();
  app.use(watch(options));
  app.use(guard({ hosts, origins }));
  if (origins.length > 0) app.use(crossOrigin(origins));
  app.onError((error, c) => {
    const failure = apiErrorOf(error);
    const { message, code, type, param, status, headers } = failure;
    c.get("said").code ??= code;
    return c.json(errorBody({ message, code, type, param }), status, headers);
  });
  app.notFound(() => {
    throw new ApiError({ status: 404, code: "not_found", message: "there is nothing at this address" });
  });

  app.get("/health", (c) => c.json({ status: "ok" }));
  addPage(app);

  const key = keyed(apiKey);
  app.get("/metrics", key, async (c) => {
    return c.text(await metrics.text(), 200, { "content-type": metrics.contentType });
  });
  app.use("/v1/*", key);
  app.get("/v1/models", (c) => c.json({ object: "list", data: [modelBody(model, created)] }));
  app.get("/v1/models/:id{.+}", (c) => {
    if (c.req.param("id") === model.name) return c.json(modelBody(model, created));
    throw new ApiError({
      status: 404,
      code: "model_not_found",
      message: `there is no such model here; this server has ${model.name}`,
      param: "model",
    });
  });
  const tooLarge = bodyLimit({
    maxSize: maxBody,
    onError: () => {
      throw new ApiError({
        status: 413,
        code: "body_too_large",
        message: `the request's body is larger than ${maxBody} bytes`,
        headers: { connection: "close" },
      });
    },
  });
  app.post("/v1/chat/completions", tooLarge, async (c) => await chat(c, options));
  return app;
}
