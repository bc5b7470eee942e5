import { z } from "zod";
import { FlashSlothError } from "../core/errors.ts";
import { readOpenPicture } from "../image/source.ts";
import { dataUriBytes, isDataUri } from "../addresses/data-uri.ts";
import { isHttpUrl, type PictureFetcher } from "../addresses/fetch.ts";
import type { Roots } from "./roots.ts";

/** Where the pictures of calls come from. */
export interface PicturePlaces {
  readonly roots: Roots;
  /** What fetches addresses. @default none are fetched */
  readonly fetcher?: PictureFetcher | undefined;
}

/** An encoded picture, and what messages call it. */
export interface GivenPicture {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The arguments that name a picture: exactly one of them is given. */
export interface PictureArguments {
  readonly path?: string | undefined;
  readonly base64?: string | undefined;
  readonly url?: string | undefined;
}

/** The arguments' schema; addresses are part of it only where they are fetched. */
export function pictureShape({ roots, fetcher }: PicturePlaces): z.ZodRawShape {
  const { folders } = roots;
  const below = folders.length === 0 ? "none may be read here" : `below ${folders.join(" or ")}`;
  const path = z.string().optional().describe(`Path of the picture's file: ${below}`);
  const base64 = z.string().optional().describe("The picture itself in base64, or a data URI");
  const url = z.string().optional().describe("The picture's http(s) address");
  return fetcher === undefined ? { path, base64 } : { path, base64, url };
}

/**
 * Reads the picture that a call names.
 * @throws `usage` unless exactly one argument names it; `image-not-found`, `image-unreadable` (also outside of the roots),
 *   `image-invalid`, `image-too-large`, `network`, `timeout`, `interrupted`
 */
export async function givenPicture(
  given: PictureArguments,
  places: PicturePlaces,
  signal: AbortSignal,
): Promise<GivenPicture> {
  const { path, base64, url } = given;
  if ([path, base64, url].filter((each) => each !== undefined).length !== 1) {
    const names = places.fetcher === undefined ? "path or base64" : "path, base64 or url";
    throw new FlashSlothError("usage", `give the picture by exactly one of ${names}`);
  }
  if (url !== undefined) return { name: url, bytes: await fetched(url, places, signal) };
  if (path !== undefined) return await fromFile(path, places.roots);
  const uri = base64 ?? "";
  return { name: "the picture", bytes: dataUriBytes(isDataUri(uri) ? uri : `data:;base64,${uri}`) };
}

async function fromFile(path: string, roots: Roots): Promise<GivenPicture> {
  const located = await roots.locate(path);
  return await roots.open(located, async (handle) => readOpenPicture(handle, path, located));
}

async function fetched(url: string, { fetcher }: PicturePlaces, signal: AbortSignal): Promise<Uint8Array> {
  if (fetcher === undefined || !isHttpUrl(url)) {
    throw new FlashSlothError("image-not-found", `${url} is no address that pictures are fetched from`);
  }
  return await fetcher.fetch(url, signal);
}
