import type { Hono } from "hono";
import type { ServeEnv } from "../env.ts";

export interface PageOptions {
  /** what clients call the model */
  readonly model: string;
}

/** Routes for people with a browser: `/` and what it needs. They come without a key, whatever the rest wants. */
export function addPage(app: Hono<ServeEnv>, { model }: PageOptions): void {
  app.get("/", (c) => c.text(`flashsloth serves ${model} at /v1, as OpenAI's clients expect it.\n`));
}
