import { FlashSlothError } from "../core/errors.ts";
import type { PreparedPicture } from "../image/picture.ts";
import type { EncodedCrops, VisionEncoder } from "../vision/encoder.ts";
import type { UncompressedProjector } from "../vision/uncompressed.ts";
import type { EncodePictureOptions } from "./api.ts";
import type { PictureCache } from "./picture-cache.ts";

export interface VisionSideOptions {
  readonly encoder: VisionEncoder;
  /** Loads what makes a visual token of every feature, when that is asked for the first time. @throws `usage` */
  readonly loadUncompressed: () => Promise<UncompressedProjector>;
  /** @default nothing is kept */
  readonly cache?: PictureCache | undefined;
}

/** What became of a picture. */
export interface SeenPicture {
  readonly crops: EncodedCrops;
  /** What stands for the picture in caches. @default it is not kept */
  readonly key: string | undefined;
  /** whether the features were kept from an earlier time */
  readonly cached: boolean;
  /** milliseconds in the encoder, waiting for other pictures not counted */
  readonly ms: number;
}

/** The vision encoder and what is kept of its work: one picture at a time, those that come meanwhile wait in order. */
export class VisionSide {
  readonly #options: VisionSideOptions;
  #uncompressed: Promise<UncompressedProjector> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #disposed = false;
  #encoded = 0;
  #recalled = 0;

  constructor(options: VisionSideOptions) {
    this.#options = options;
  }

  /** pictures that were encoded, and those whose features were kept from an earlier time */
  get counters(): { readonly picturesEncoded: number; readonly featuresRead: number } {
    return { picturesEncoded: this.#encoded, featuresRead: this.#recalled };
  }

  /** @throws `interrupted` when aborted or disposed before its turn; `usage` as `loadUncompressed` */
  async see(picture: PreparedPicture, options: EncodePictureOptions): Promise<SeenPicture> {
    const seen = this.#turn.then(async () => this.#see(picture, options));
    this.#turn = seen.catch(() => {});
    return await seen;
  }

  /** Returns when the picture in hand is done and everything is kept. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#turn;
    await this.#options.cache?.written;
    await (await this.#uncompressed?.catch(() => undefined))?.dispose();
  }

  async #see(picture: PreparedPicture, { uncompressed, signal }: EncodePictureOptions): Promise<SeenPicture> {
    const { encoder, loadUncompressed, cache } = this.#options;
    if (this.#disposed || signal?.aborted === true) {
      throw new FlashSlothError("interrupted", "the picture was not encoded", { cause: signal?.reason });
    }
    const projector = uncompressed === true ? await (this.#uncompressed ??= loadUncompressed()) : undefined;
    const start = performance.now();
    const kept = projector === undefined ? await cache?.find(picture) : undefined;
    if (kept?.crops !== undefined) {
      this.#recalled++;
      return { crops: kept.crops, key: kept.key, cached: true, ms: performance.now() - start };
    }
    const { pixels, crops } = picture;
    const compressed = await encoder.encode({ pixels, crops, signal });
    this.#encoded++;
    if (projector !== undefined) {
      const visualTokens = await projector.project(compressed.features);
      const ms = performance.now() - start;
      return { crops: { ...compressed, visualTokens }, key: undefined, cached: false, ms };
    }
    if (kept !== undefined) await cache?.keep(kept.key, compressed);
    return { crops: compressed, key: kept?.key, cached: false, ms: performance.now() - start };
  }
}
