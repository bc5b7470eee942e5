import { FlashSlothError } from "../core/errors.ts";
import type { Manifest } from "../core/model/manifest.ts";
import { EmbqLook, SapLook } from "../vision/look.ts";
import type { AskOptions } from "./api.ts";
import { meanOverHeads, windowsToGrid, type Attention, type AttentionLayer } from "./attention.ts";
import type { EmbqTrace } from "./embq-tap.ts";
import type { PictureFeatures } from "./prompt.ts";

export interface LookSideOptions {
  readonly directory: string;
  readonly manifest: Manifest;
  readonly threads: number;
}

/** What has to be known for a map: the picture, and what EmbQ read of the last question, if it came so far. */
export interface Looked {
  readonly picture: PictureFeatures;
  readonly trace: EmbqTrace | undefined;
}

/** Makes the map of an answer. @returns undefined where the model was stopped before it looked */
export type Look = (looked: Looked) => Attention | undefined;

/** Where the model looked: graphs that are loaded when they are asked for the first time, and never before. */
export class LookSide {
  readonly #options: LookSideOptions;
  #embq: Promise<EmbqLook> | undefined;
  #sap: Promise<SapLook> | undefined;

  constructor(options: LookSideOptions) {
    this.#options = options;
  }

  /**
   * Gets ready what a question's map needs, so that a question that can have none costs nothing.
   * @throws `usage` where the model has no graph for it, or the question leaves it out; as `openSession` does
   */
  async open({ explain, embq }: AskOptions, picture: PictureFeatures): Promise<Look | undefined> {
    if (explain === undefined) return undefined;
    const { layer = "embq" } = explain;
    const { directory, manifest, threads } = this.#options;
    const { geometry } = manifest;
    const { featuresPerCrop, tokensPerCrop, hiddenSize, featureWidth, queries } = geometry;
    const options = { directory, geometry, threads, file: lookGraph(manifest, layer) };
    const map = this.#map();
    if (layer === "embq") {
      if (embq === false) throw unfit("EmbQ is left out of this answer, so it looks at nothing");
      const session = await (this.#embq ??= EmbqLook.load(options));
      return ({ picture: { features }, trace }) => {
        if (trace === undefined) return undefined;
        const { queriesIn, textIn: text } = trace;
        const heads = session.run({ queries: queriesIn, text, features });
        const weights = meanOverHeads(heads, queries, features.length / featureWidth);
        return { ...map, layer, queries, weights };
      };
    }
    const pooled = (picture.visualTokens.length / hiddenSize) * (featuresPerCrop / tokensPerCrop);
    if (pooled !== picture.features.length / featureWidth) {
      throw unfit("this picture was encoded without pooling, so there is no SAP to look at");
    }
    const session = await (this.#sap ??= SapLook.load(options));
    const window = Math.sqrt(featuresPerCrop / tokensPerCrop);
    return ({ picture: { features } }) => {
      const weights = windowsToGrid(session.run(features), map.grid, window);
      return { ...map, layer, queries: 1, window, weights };
    };
  }

  async dispose(): Promise<void> {
    for (const loading of [this.#embq, this.#sap]) await (await loading?.catch(() => undefined))?.dispose();
  }

  /** What is the same of every map. */
  #map(): Pick<Attention, "crops" | "imageSize" | "patchSize" | "grid"> {
    const { crops, imageSize, featuresPerCrop, layerSizes } = this.#options.manifest.geometry;
    const grid = Math.sqrt(featuresPerCrop);
    return { crops, imageSize, grid, patchSize: layerSizes?.patchSize ?? Math.floor(imageSize / grid) };
  }
}

/** The graph that gives an attention out. @throws `usage` where the model's folder has none */
export function lookGraph({ name, roles }: Pick<Manifest, "name" | "roles">, layer: AttentionLayer): string {
  const file = layer === "embq" ? roles.embqLook : roles.sapLook;
  if (file !== undefined) return file;
  throw new FlashSlothError("usage", `${name} was converted without the graph for this attention`, {
    hint: `convert it again, or pull it again: flashsloth remove ${name}, then flashsloth pull ${name}`,
  });
}

function unfit(message: string): FlashSlothError {
  return new FlashSlothError("usage", message);
}
