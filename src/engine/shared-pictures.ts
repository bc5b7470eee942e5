import { unlessAborted } from "../core/unless-aborted.ts";
import type { PreparedPicture } from "../image/picture.ts";
import type { EncodedPicture, EncodePictureOptions, EngineHandle } from "./api.ts";
import { KEPT_PICTURES } from "./kept.ts";

export interface SharedPicturesOptions {
  /** Pictures that are kept when nobody asks about them any more. @default 4 */
  readonly kept?: number | undefined;
}

interface Shared {
  readonly picture: Promise<EncodedPicture>;
  /** aborted when nobody waits for the picture any longer */
  readonly unwanted: AbortController;
  /** who asks about it, or waits to */
  users: number;
}

/**
 * The pictures in the engine, by what stands for them: one that comes again while it is there, or soon after, is not encoded
 * again, whatever its name is.
 */
export class SharedPictures {
  readonly #engine: Pick<EngineHandle, "encodePicture" | "release">;
  readonly #kept: number;
  /** by what stands for them; the one that was used longest ago comes first */
  readonly #pictures = new Map<string, Shared>();
  /** the same, by the engine's numbers */
  readonly #keys = new Map<number, string>();
  /** those that nobody waited for to the end, until the engine has let them go */
  readonly #dropped = new Set<Promise<void>>();

  constructor(
    engine: Pick<EngineHandle, "encodePicture" | "release">,
    { kept = KEPT_PICTURES }: SharedPicturesOptions = {},
  ) {
    this.#engine = engine;
    this.#kept = kept;
  }

  /** As the engine's, by the picture's pixels: each picture is to be released as often as it was encoded. */
  async encode(prepared: PreparedPicture, options: EncodePictureOptions): Promise<EncodedPicture> {
    const { pixels, digest } = prepared;
    if (pixels.byteLength === 0) return await this.#engine.encodePicture(prepared, options);
    const encode = async (signal: AbortSignal): Promise<EncodedPicture> =>
      this.#engine.encodePicture(prepared, { ...options, signal });
    return await this.share(digest, encode, options.signal);
  }

  /**
   * The picture that `key` stands for, which `encode` encodes where it is not there. It is to be released as often as it was
   * given. Whoever stops waiting leaves it to the others; its own signal is aborted when there are none.
   * @throws what `encode` throws; `interrupted` when aborted
   */
  async share(
    key: string,
    encode: (signal: AbortSignal) => Promise<EncodedPicture>,
    signal?: AbortSignal,
  ): Promise<EncodedPicture> {
    const known = this.#pictures.get(key);
    const shared = known ?? this.#begin(key, encode);
    shared.users++;
    try {
      const picture = await unlessAborted(shared.picture, signal, "the picture is not waited for any longer");
      return known === undefined
        ? picture
        : { ...picture, cached: true, ms: { image: 0, wait: 0, vision: 0 } };
    } catch (error) {
      if (--shared.users === 0 && this.#pictures.get(key) === shared) this.#drop(key, shared);
      throw error;
    }
  }

  async release(picture: EncodedPicture): Promise<void> {
    const key = this.#keys.get(picture.id);
    const shared = key === undefined ? undefined : this.#pictures.get(key);
    if (key === undefined || shared === undefined) {
      await this.#engine.release(picture);
      return;
    }
    shared.users--;
    this.#pictures.delete(key);
    this.#pictures.set(key, shared);
    await this.#keep(this.#kept);
  }

  /** Lets go of every picture that nobody asks about. */
  async close(): Promise<void> {
    await this.#keep(0);
    await Promise.all(this.#dropped);
  }

  #begin(key: string, encode: (signal: AbortSignal) => Promise<EncodedPicture>): Shared {
    const unwanted = new AbortController();
    const shared: Shared = { picture: encode(unwanted.signal), unwanted, users: 0 };
    this.#pictures.set(key, shared);
    shared.picture.then(
      ({ id }) => void this.#keys.set(id, key),
      () => {
        if (this.#pictures.get(key) === shared) this.#pictures.delete(key);
      },
    );
    return shared;
  }

  /** Nobody waits for it any longer: what has become of it by then goes. */
  #drop(key: string, { picture, unwanted }: Shared): void {
    this.#pictures.delete(key);
    unwanted.abort();
    const gone = picture
      .then(async (encoded) => {
        this.#keys.delete(encoded.id);
        await this.#engine.release(encoded);
      })
      .catch(() => {}) // it was not encoded
      .finally(() => this.#dropped.delete(gone));
    this.#dropped.add(gone);
  }

  async #keep(most: number): Promise<void> {
    const idle = [...this.#pictures].filter(([, { users }]) => users === 0);
    for (const [key, shared] of idle.slice(0, Math.max(0, idle.length - most))) {
      this.#pictures.delete(key);
      const picture = await shared.picture;
      this.#keys.delete(picture.id);
      await this.#engine.release(picture);
    }
  }
}
