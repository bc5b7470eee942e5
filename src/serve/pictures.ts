import { createHash } from "node:crypto";
import { dataUriBytes, isDataUri } from "../addresses/data-uri.ts";
import { isHttpUrl, type PictureFetcher } from "../addresses/fetch.ts";
import { FlashSlothError } from "../core/errors.ts";
import type { EncodedPicture, EngineHandle } from "../engine/api.ts";
import { SharedPictures } from "../engine/shared-pictures.ts";
import { Admission } from "./admission.ts";

/** Pictures that are kept for a next question when nobody asks about them: 21 MB each with five crops, 5 MB with one. */
const KEPT = 16;
/** Pictures that are decoded at once: each may take three bytes a pixel. */
const DECODING = 2;

export interface PicturesOptions {
  readonly engine: EngineHandle;
  readonly maxPixels: number;
  /** What fetches pictures by their address. @default none are fetched */
  readonly fetcher?: PictureFetcher | undefined;
}

/** The pictures that requests name: fetched, decoded and encoded once, however many ask about the same one. */
export class Pictures {
  readonly #options: PicturesOptions;
  readonly #shared: SharedPictures;
  readonly #decoding = new Admission({ working: DECODING, most: Number.POSITIVE_INFINITY });

  constructor(options: PicturesOptions) {
    this.#options = options;
    this.#shared = new SharedPictures(options.engine, { kept: KEPT });
  }

  /**
   * A picture's bytes, from a data URI or over the network.
   * @throws `usage` for other addresses and where nothing is fetched; as `PictureFetcher`
   */
  async read(address: string, signal: AbortSignal): Promise<Uint8Array> {
    if (isDataUri(address)) return dataUriBytes(address);
    const { fetcher } = this.#options;
    if (!isHttpUrl(address)) {
      throw new FlashSlothError("usage", "a picture is given as a data URI, like data:image/png;base64,…");
    }
    if (fetcher === undefined) {
      throw new FlashSlothError(
        "usage",
        "this server fetches no pictures: send them as data URIs, or start it with --allow-remote-images",
      );
    }
    return await fetcher.fetch(address, signal);
  }

  /** Encodes a picture. It is to be released as often as it was encoded. @throws as the engine's */
  async encode(bytes: Uint8Array, signal: AbortSignal): Promise<EncodedPicture> {
    const { engine, maxPixels } = this.#options;
    const key = createHash("sha256").update(bytes).digest("base64");
    const encode = async (wanted: AbortSignal): Promise<EncodedPicture> => {
      const place = this.#decoding.enter();
      try {
        await place?.turn(wanted);
        const prepared = await engine.preparePicture(bytes, { maxPixels });
        place?.leave();
        return await engine.encodePicture(prepared, { signal: wanted });
      } finally {
        place?.leave();
      }
    };
    return await this.#shared.share(key, encode, signal);
  }

  async release(picture: EncodedPicture): Promise<void> {
    await this.#shared.release(picture);
  }
}
