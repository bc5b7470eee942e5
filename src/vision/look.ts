import { join } from "node:path";
import type { ModelGeometry } from "../core/model/manifest.ts";
import { openSession } from "../onnxruntime/open.ts";
import type { OnnxSession } from "../onnxruntime/session.ts";
import { embqInputs, type EmbqGeometry, type EmbqInput } from "./embq.ts";

export interface LoadLookOptions {
  /** a converted model's folder */
  readonly directory: string;
  /** name of the graph, the manifest's `roles.embqLook` or `roles.sapLook` */
  readonly file: string;
  /** @default the machine's physical cores */
  readonly threads?: number | undefined;
}

/** Small graphs, run once an answer: the CPU takes them, whatever device computed the answer. */
async function open(
  { directory, file, threads }: LoadLookOptions,
  declared: Readonly<Record<string, readonly (number | "any")[]>>,
): Promise<OnnxSession> {
  return await openSession({ path: join(directory, file), threads, declared });
}

/** What EmbQ's queries look at in a picture: the softmax of its second attention (FlashSloth, arXiv 2412.04317, section 3). */
export class EmbqLook {
  readonly #session: OnnxSession;
  readonly #geometry: EmbqGeometry;

  private constructor(session: OnnxSession, geometry: EmbqGeometry) {
    this.#session = session;
    this.#geometry = geometry;
  }

  /** @throws `usage` when the model's folder has no such graph, and as `openSession` does */
  static async load(options: LoadLookOptions & { readonly geometry: EmbqGeometry }): Promise<EmbqLook> {
    const { queries, hiddenSize, featureWidth } = options.geometry;
    const session = await open(options, {
      queries: [queries, hiddenSize],
      text: ["any", hiddenSize],
      features: ["any", featureWidth],
      attention: [1, "any", queries, "any"],
    });
    return new EmbqLook(session, options.geometry);
  }

  /** @returns float32 [heads, queries, F], each row adds up to 1 */
  run(input: EmbqInput): Float32Array {
    const [attention = new Float32Array()] = this.#session.runNow(embqInputs(input, this.#geometry), [
      "attention",
    ]);
    return attention;
  }

  /** Frees the session. Idempotent. */
  async dispose(): Promise<void> {
    await this.#session.dispose();
  }
}

export type SapGeometry = Pick<ModelGeometry, "featuresPerCrop" | "featureWidth" | "tokensPerCrop">;

/** Which of its patches each visual token was made of: the softmax of spatial attention pooling (FlashSloth, arXiv 2412.04317, section 3). */
export class SapLook {
  readonly #session: OnnxSession;
  readonly #geometry: SapGeometry;

  private constructor(session: OnnxSession, geometry: SapGeometry) {
    this.#session = session;
    this.#geometry = geometry;
  }

  /** @throws `usage` when the model's folder has no such graph, and as `openSession` does */
  static async load(options: LoadLookOptions & { readonly geometry: SapGeometry }): Promise<SapLook> {
    const { featuresPerCrop, featureWidth, tokensPerCrop } = options.geometry;
    const session = await open(options, {
      features: [1, featuresPerCrop, featureWidth],
      attention: [1, tokensPerCrop, 1, featuresPerCrop / tokensPerCrop],
    });
    return new SapLook(session, options.geometry);
  }

  /**
   * @param features raw vision features [crops * featuresPerCrop, featureWidth]
   * @returns float32 [crops, windows, w²], each row adds up to 1
   */
  run(features: Float32Array): Float32Array {
    const { featuresPerCrop, featureWidth } = this.#geometry;
    const length = featuresPerCrop * featureWidth;
    const crops = features.length / length;
    const out = new Float32Array(crops * featuresPerCrop);
    for (let crop = 0; crop < crops; crop++) {
      const data = features.subarray(crop * length, (crop + 1) * length);
      const input = { type: "float32", data, shape: [1, featuresPerCrop, featureWidth] } as const;
      const [attention = []] = this.#session.runNow({ features: input }, ["attention"]);
      out.set(attention, crop * featuresPerCrop);
    }
    return out;
  }

  /** Frees the session. Idempotent. */
  async dispose(): Promise<void> {
    await this.#session.dispose();
  }
}
