import { readFile } from "node:fs/promises";
import type { Hono } from "hono";
import { builtFile } from "../../core/built-module.ts";
import { ApiError } from "../api-error.ts";
import type { ServeEnv } from "../env.ts";

/** The page's files in `dist/page`, by their addresses. */
const FILES = [
  { path: "/", file: "index.html", type: "text/html; charset=utf-8" },
  { path: "/page.js", file: "page.js", type: "text/javascript; charset=utf-8" },
  { path: "/page.css", file: "page.css", type: "text/css; charset=utf-8" },
  { path: "/page.svg", file: "page.svg", type: "image/svg+xml" },
] as const;

/** The page loads nothing from anywhere else, runs no script but its own, and is shown inside no other page. */
const POLICY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
};

/** Routes for people with a browser: `/` and what it needs. They come without a key, whatever the rest wants. */
export function addPage(app: Hono<ServeEnv>): void {
  for (const { path, file, type } of FILES) {
    app.get(path, async (c) => {
      const url = builtFile(`page/${file}`, import.meta.url);
      if (url === undefined) {
        throw new ApiError({
          status: 404,
          code: "not_found",
          message: "the page was not built: npm run build",
        });
      }
      return c.body(new Uint8Array(await readFile(url)), 200, { ...HEADERS, "content-type": type });
    });
  }
}
