import type { Context } from "hono";
import { isObject, type JsonObject } from "../core/json.ts";
import { ApiError } from "./api-error.ts";
import type { ServeEnv } from "./env.ts";

/** Deeper than any request or schema that people write; what reads them goes down as deep. */
const MOST_NESTED = 100;

/** The JSON object in a request's body, whose length is bounded elsewhere. @throws ApiError */
export async function readJson(c: Context<ServeEnv>): Promise<JsonObject> {
  const type = c.req.header("content-type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new ApiError({
      status: 415,
      code: "unsupported_media_type",
      message: "send JSON, with the header Content-Type: application/json",
    });
  }
  if (c.req.header("content-encoding") !== undefined) {
    throw new ApiError({ status: 415, code: "unsupported_encoding", message: "send the body uncompressed" });
  }
  const text = decoded(await c.req.arrayBuffer());
  if (nestedDeeper(text, MOST_NESTED)) throw invalid(`is nested more than ${MOST_NESTED} deep`);
  const value = parsed(text);
  if (!isObject(value)) throw invalid("is no object");
  return value;
}

function decoded(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalid("is not UTF-8");
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("is no JSON");
  }
}

/** Whether brackets outside strings are nested deeper than `most`, told before anything of them is built. */
export function nestedDeeper(text: string, most: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at);
    else if (character === "[" || character === "{") depth++;
    else if (character === "]" || character === "}") depth--;
    if (depth > most) return true;
  }
  return false;
}

/** The place of the quote that ends the string that begins at `start`, or of the text's end. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text[at - 1 - escapes] === "\\") escapes++;
    if (escapes % 2 === 0) return at;
  }
  return text.length;
}

function invalid(what: string): ApiError {
  return new ApiError({ status: 400, code: "invalid_json", message: `the request's body ${what}` });
}
