import { FlashSlothError } from "../core/errors.ts";
import type { EngineHandle } from "../engine/api.ts";
import type { PreparedPicture } from "../image/picture.ts";
import type { PictureEntry } from "./inputs.ts";

/** Pictures that get ready before it is their turn: decoding the next one costs no time while the engine is busy. */
export class PicturesAhead {
  readonly #inputs: readonly PictureEntry[];
  readonly #engine: () => Promise<Pick<EngineHandle, "preparePicture">>;
  readonly #begun = new Map<number, Promise<PreparedPicture>>();

  constructor(inputs: readonly PictureEntry[], engine: () => Promise<Pick<EngineHandle, "preparePicture">>) {
    this.#inputs = inputs;
    this.#engine = engine;
  }

  /** Begins on the input at `index`, or on the first usable one after it; whoever takes it hears of its failure. */
  begin(index: number): void {
    for (let at = index; at < this.#inputs.length; at++) {
      const entry = this.#inputs[at];
      if (entry === undefined || "error" in entry) continue;
      if (!this.#begun.has(at)) {
        const prepared = this.#engine().then(async (engine) => engine.preparePicture(entry.input));
        prepared.catch(() => {});
        this.#begun.set(at, prepared);
      }
      return;
    }
  }

  /**
   * The picture at `index`, which is then nobody's but the caller's.
   * @throws what kept it from being prepared; `internal` where the input is no picture
   */
  async take(index: number): Promise<PreparedPicture> {
    this.begin(index);
    const prepared = this.#begun.get(index);
    if (prepared === undefined) throw new FlashSlothError("internal", `input ${index} is no picture`);
    this.#begun.delete(index);
    return await prepared;
  }
}
