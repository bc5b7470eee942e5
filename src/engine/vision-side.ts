import { setImmediate } from "node:timers/promises";
import { FlashSlothError } from "../core/errors.ts";
import type { PreparedPicture } from "../image/picture.ts";
import type { EncodedCrops, VisionEncoder } from "../vision/encoder.ts";
import { encodeTogether } from "../vision/together.ts";
import type { UncompressedProjector } from "../vision/uncompressed.ts";
import type { EncodePictureOptions } from "./api.ts";
import type { PictureCache } from "./picture-cache.ts";

export interface VisionSideOptions {
  readonly encoder: Pick<VisionEncoder, "encode" | "cropsPerRun">;
  /** Loads what makes a visual token of every feature, when that is asked for the first time. @throws `usage` */
  readonly loadUncompressed: () => Promise<Pick<UncompressedProjector, "project" | "dispose">>;
  /** @default nothing is kept */
  readonly cache?: Pick<PictureCache, "find" | "keep" | "written"> | undefined;
}

/** What became of a picture. */
export interface SeenPicture {
  readonly crops: EncodedCrops;
  /** What stands for the picture in caches. @default it is not kept */
  readonly key: string | undefined;
  /** whether the features were kept from an earlier time */
  readonly cached: boolean;
  /** milliseconds in the encoder, waiting for other pictures not counted; of a run that pictures share, each has all of it */
  readonly ms: number;
}

/** A picture that waits for its turn, and who waits for it. */
interface Waiting {
  readonly picture: PreparedPicture;
  readonly options: EncodePictureOptions;
  readonly resolve: (seen: SeenPicture) => void;
  readonly reject: (error: unknown) => void;
}

/** A picture whose turn it is. */
interface Begun extends Waiting {
  readonly start: number;
  readonly key: string | undefined;
  /** What became of it already: its features were kept. @default it is to be encoded */
  readonly kept: SeenPicture | undefined;
  /** What is to make visual tokens of its features. @default they are pooled */
  readonly projector: Pick<UncompressedProjector, "project"> | undefined;
}

/**
 * The vision encoder and what is kept of its work. Pictures come in order, those that arrive meanwhile wait: on a CPU one at a
 * time, on a device that takes several crops in a run as many of those waiting as fit into one.
 */
export class VisionSide {
  readonly #options: VisionSideOptions;
  readonly #waiting: Waiting[] = [];
  #uncompressed: Promise<Pick<UncompressedProjector, "project" | "dispose">> | undefined;
  #working: Promise<void> | undefined;
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
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ picture, options, resolve, reject });
      this.#working ??= this.#work();
    });
  }

  /** Returns when the pictures in hand are done and everything is kept. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#working;
    await this.#options.cache?.written;
    await (await this.#uncompressed?.catch(() => undefined))?.dispose();
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      // a run blocks the thread: what was sent meanwhile is in the event loop, and may join the next one
      if (this.#options.encoder.cropsPerRun > 1) await setImmediate();
      await this.#encode(await this.#nextTurn());
    }
    this.#working = undefined;
  }

  /** The pictures whose turn it is; those of them that are to be encoded fit into one run, or there is but one. */
  async #nextTurn(): Promise<Begun[]> {
    const { encoder, cache } = this.#options;
    const turn: Begun[] = [];
    let crops = 0;
    while (turn.length < encoder.cropsPerRun) {
      const [next] = this.#waiting;
      if (next === undefined) break;
      const { picture } = next;
      if (crops > 0 && crops + picture.crops > encoder.cropsPerRun) break;
      // what is among them already will have been kept by the next turn
      if (cache !== undefined && turn.some((begun) => begun.picture.digest === picture.digest)) break;
      this.#waiting.shift();
      const begun = await this.#begin(next);
      if (begun === undefined) continue;
      turn.push(begun);
      if (begun.kept === undefined) crops += picture.crops;
      else if (crops === 0) break; // nothing that it would have to wait for
    }
    return turn;
  }

  /** @returns undefined where nothing comes of it, which is said */
  async #begin(waiting: Waiting): Promise<Begun | undefined> {
    const { picture, options, reject } = waiting;
    const { loadUncompressed, cache } = this.#options;
    const { uncompressed, signal } = options;
    try {
      if (this.#disposed || signal?.aborted === true) {
        throw new FlashSlothError("interrupted", "the picture was not encoded", { cause: signal?.reason });
      }
      const projector = uncompressed === true ? await (this.#uncompressed ??= loadUncompressed()) : undefined;
      const start = performance.now();
      const found = projector === undefined ? await cache?.find(picture) : undefined;
      const [key, crops] = [found?.key, found?.crops];
      const kept = crops && { crops, key, cached: true, ms: performance.now() - start };
      return { ...waiting, start, key, kept, projector };
    } catch (error) {
      reject(error);
      return undefined;
    }
  }

  async #encode(turn: readonly Begun[]): Promise<void> {
    const unseen = turn.filter(({ kept }) => kept === undefined);
    const encoding = encodeTogether(
      this.#options.encoder,
      unseen.map(({ picture: { pixels, crops }, options: { signal } }) => ({ pixels, crops, signal })),
    );
    await encoding.catch(() => undefined); // whoever waits for a picture of it hears
    for (const begun of turn) {
      if (begun.kept === undefined) {
        await this.#finish(begun, encoding, unseen.indexOf(begun)).then(begun.resolve, begun.reject);
      } else {
        this.#recalled++;
        begun.resolve(begun.kept);
      }
    }
  }

  async #finish(begun: Begun, encoding: Promise<EncodedCrops[]>, at: number): Promise<SeenPicture> {
    const { projector, key, start } = begun;
    const { [at]: crops } = await encoding;
    if (crops === undefined) throw new FlashSlothError("internal", "the encoder forgot a picture");
    this.#encoded++;
    if (projector !== undefined) {
      const visualTokens = await projector.project(crops.features);
      const ms = performance.now() - start;
      return { crops: { ...crops, visualTokens }, key: undefined, cached: false, ms };
    }
    if (key !== undefined) await this.#options.cache?.keep(key, crops);
    return { crops, key, cached: false, ms: performance.now() - start };
  }
}
