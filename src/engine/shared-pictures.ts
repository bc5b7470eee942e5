import { createHash } from "node:crypto";
import type { EncodedPicture, EncodePictureOptions, EngineHandle } from "./api.ts";
import type { PreparedPicture } from "../image/picture.ts";

/** Pictures that are kept when nobody asks about them any more: as many as the engine keeps prefixes for. HD's take 21 MB. */
const KEPT = 4;

interface Shared {
  readonly picture: Promise<EncodedPicture>;
  /** jobs that ask about it */
  users: number;
}

/**
 * The pictures in the engine, by their pixels: one that comes again while it is there, or soon after, is not encoded again,
 * whatever its name is.
 */
export class SharedPictures {
  readonly #engine: Pick<EngineHandle, "encodePicture" | "release">;
  /** by a hash of the pixels; the one that was used longest ago comes first */
  readonly #pictures = new Map<string, Shared>();
  /** those hashes, by the engine's numbers */
  readonly #keys = new Map<number, string>();

  constructor(engine: Pick<EngineHandle, "encodePicture" | "release">) {
    this.#engine = engine;
  }

  /** As the engine's: each picture is to be released as often as it was encoded. */
  async encode(prepared: PreparedPicture, options: EncodePictureOptions): Promise<EncodedPicture> {
    const { pixels } = prepared;
    if (pixels.byteLength === 0) return await this.#engine.encodePicture(prepared, options);
    const key = createHash("sha256").update(pixels).digest("base64");
    const known = this.#pictures.get(key);
    if (known !== undefined) {
      known.users++;
      const picture = await known.picture;
      return { ...picture, cached: true, ms: { image: 0, wait: 0, vision: 0 } };
    }
    const shared: Shared = { picture: this.#engine.encodePicture(prepared, options), users: 1 };
    this.#pictures.set(key, shared);
    try {
      const picture = await shared.picture;
      this.#keys.set(picture.id, key);
      return picture;
    } catch (error) {
      this.#pictures.delete(key);
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
    await this.#keep(KEPT);
  }

  /** Lets go of every picture that nobody asks about. */
  async close(): Promise<void> {
    await this.#keep(0);
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
