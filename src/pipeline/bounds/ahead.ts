import type { EngineHandle } from "../../engine/api.ts";
import type { PreparedPicture } from "../../image/picture.ts";
import type { PictureJob } from "../job.ts";
import { Line } from "./line.ts";

/** Decoded pictures are large: of those of 200 megapixels one gets ready at a time, of those of 12 megapixels several. */
const MOST_BYTES = 256_000_000;

/** A prepared picture, and the milliseconds of wall time that it took. */
export interface Prepared {
  readonly picture: PreparedPicture;
  readonly ms: number;
}

export interface PrepareOptions {
  /** What messages call a picture that is fetched. @default "the picture" */
  readonly name?: string | undefined;
  /** Aborting it ends a fetch. @default never */
  readonly signal?: AbortSignal | undefined;
}

/** Where one picture gets ready and waits for its turn. */
export interface PlaceAhead {
  /**
   * Fetches, reads, decodes and resamples.
   * @throws as the engine's `preparePicture` and `DeferredPicture.read` do
   */
  prepare(
    engine: Pick<EngineHandle, "preparePicture">,
    input: PictureJob["input"],
    options?: PrepareOptions,
  ): Promise<Prepared>;
  /** The picture has gone on, or never came. */
  leave(): void;
}

export interface PicturesAheadOptions {
  /** most pictures at once */
  readonly pictures: number;
  /** Most bytes, by what the last picture took. One picture always fits. @default 256 MB */
  readonly bytes?: number | undefined;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/**
 * Pictures that get ready before it is their turn: decoding the next ones costs no time while the engine is busy. Bounded in
 * number and in bytes.
 */
export class PicturesAhead {
  #pictures: number;
  readonly #bytes: number;
  readonly #now: () => number;
  readonly #line = new Line();
  #held = 0;
  #heldBytes = 0;
  /** what decoding the next picture will take, if it is like the last one */
  #usualBytes = 0;

  constructor(options: PicturesAheadOptions) {
    this.#pictures = options.pictures;
    this.#bytes = options.bytes ?? MOST_BYTES;
    this.#now = options.now;
  }

  resize(pictures: number): void {
    this.#pictures = pictures;
    this.#line.move();
  }

  /** Waits for a place. @returns undefined once dismissed */
  async enter(): Promise<PlaceAhead | undefined> {
    let bytes = 0;
    const admitted = await this.#line.wait(() => {
      const fits = this.#held < this.#pictures && this.#heldBytes + this.#usualBytes <= this.#bytes;
      if (this.#held > 0 && !fits) return false;
      this.#held++;
      bytes = this.#usualBytes;
      this.#heldBytes += bytes;
      return true;
    });
    if (!admitted) return undefined;
    const weigh = (now: number): void => {
      this.#heldBytes += now - bytes;
      bytes = now;
    };
    return {
      prepare: async (engine, input, { name, signal = new AbortController().signal } = {}) => {
        const start = this.#now();
        const deferred = typeof input === "object" && "read" in input;
        const picture = deferred
          ? await engine.preparePicture(await input.read(signal), { name })
          : await engine.preparePicture(input);
        this.#usualBytes = picture.width * picture.height * 3; // uint8 [height, width, 3]
        weigh(picture.pixels.byteLength);
        this.#line.move();
        return { picture, ms: this.#now() - start };
      },
      leave: () => {
        weigh(0);
        this.#held--;
        this.#line.move();
      },
    };
  }

  dismiss(): void {
    this.#line.dismiss();
  }
}
