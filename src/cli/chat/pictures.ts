import { FlashSlothError } from "../../core/errors.ts";
import type { EngineHandle } from "../../engine/api.ts";
import type { PreparedPicture } from "../../image/picture.ts";
import { addressed } from "../../pipeline/sources/named.ts";
import type { PictureFetcher } from "../../addresses/fetch.ts";

export interface PreparePictureOptions {
  /** A path, an http(s) URL or a data URI. */
  readonly name: string;
  readonly engine: Pick<EngineHandle, "preparePicture">;
  readonly fetcher: PictureFetcher;
  readonly signal: AbortSignal;
}

/** A picture that is about to be looked at. */
export interface LabelledPicture {
  readonly label: string;
  /** where it can be had again: its path, or its encoded bytes */
  readonly source: string | Uint8Array;
  readonly prepared: PreparedPicture;
}

/**
 * Fetches or reads a picture, and gets it ready.
 * @throws `image-not-found`, `image-unreadable`, `image-invalid`, `image-too-large`, `network`, `timeout`, `interrupted`
 */
export async function preparePicture(options: PreparePictureOptions): Promise<LabelledPicture> {
  const { name, engine, fetcher, signal } = options;
  const { label, ...picture } = addressed(name, fetcher) ?? { label: name, input: name };
  if ("error" in picture) throw picture.error;
  const { input } = picture;
  const bytes = typeof input === "object" && "read" in input ? await input.read(signal) : input;
  const prepared = await engine.preparePicture(bytes, { name: label });
  if (signal.aborted) throw new FlashSlothError("interrupted", `${label} was not looked at`);
  return { label, source: bytes, prepared };
}
