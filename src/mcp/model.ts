import { FlashSlothError } from "../core/errors.ts";
import { unlessAborted } from "../core/unless-aborted.ts";
import type { EngineHandle } from "../engine/api.ts";
import { SharedPictures } from "../engine/shared-pictures.ts";

/** Says what is being waited for, in words. */
export type Hear = (message: string) => void;

/** Finds and loads a model. @throws as `resolveModel` and `startEngine` */
export type LoadModel = (hear: Hear) => Promise<{ readonly name: string; readonly engine: EngineHandle }>;

/** A model that is there. */
export interface LoadedModel {
  readonly name: string;
  readonly engine: EngineHandle;
  /** the pictures in it that calls ask about */
  readonly pictures: SharedPictures;
}

/** A model that is loaded when the first call needs it; when that fails, the next call tries again. */
export class LazyModel {
  readonly #load: LoadModel;
  readonly #listeners = new Set<Hear>();
  #loading: Promise<LoadedModel> | undefined;
  #disposed = false;

  constructor(load: LoadModel) {
    this.#load = load;
  }

  /**
   * @param hear hears what is waited for
   * @param signal aborting it ends the waiting, not the loading
   * @throws as the model's loading; `interrupted`
   */
  async get(hear: Hear, signal: AbortSignal): Promise<LoadedModel> {
    if (this.#disposed) throw new FlashSlothError("interrupted", "the server is ending");
    this.#loading ??= this.#begin();
    this.#listeners.add(hear);
    try {
      return await unlessCancelled(this.#loading, signal);
    } finally {
      this.#listeners.delete(hear);
    }
  }

  /** Frees the model; whoever is asking it hears `interrupted`. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    const model = await this.#loading?.catch(() => undefined);
    await model?.engine.dispose();
  }

  async #begin(): Promise<LoadedModel> {
    try {
      const { name, engine } = await this.#load((message) => {
        for (const hear of this.#listeners) hear(message);
      });
      return { name, engine, pictures: new SharedPictures(engine) };
    } catch (error) {
      this.#loading = undefined;
      throw error;
    }
  }
}

/** The same, or `interrupted` as soon as the call is cancelled. */
export async function unlessCancelled<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return await unlessAborted(work, signal, "the call was cancelled");
}
