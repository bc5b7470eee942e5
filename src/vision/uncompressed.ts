import { join } from "node:path";
import { FlashSlothError } from "../core/errors.ts";
import { openSession } from "../onnxruntime/open.ts";
import type { OnnxSession } from "../onnxruntime/session.ts";
import type { LoadVisionOptions, VisionGeometry } from "./encoder.ts";

export interface LoadUncompressedOptions extends Omit<LoadVisionOptions, "file"> {
  /** name of the graph, the manifest's `roles.uncompressed` */
  readonly file: string | undefined;
}

/** The projector without pooling: as many visual tokens as features. For measuring what compression saves. */
export class UncompressedProjector {
  readonly #session: OnnxSession;
  readonly #geometry: VisionGeometry;

  private constructor(session: OnnxSession, geometry: VisionGeometry) {
    this.#session = session;
    this.#geometry = geometry;
  }

  /** @throws `usage` when the model's folder has no such graph, and as `openSession` does */
  static async load(options: LoadUncompressedOptions): Promise<UncompressedProjector> {
    const { directory, file, geometry, provider, threads } = options;
    if (file === undefined) {
      throw new FlashSlothError("usage", `${directory} was converted without the graph for this comparison`, {
        hint: "convert or pull the model again",
      });
    }
    const { featuresPerCrop, featureWidth, hiddenSize } = geometry;
    const declared = {
      features: [1, featuresPerCrop, featureWidth],
      visual_tokens: [1, featuresPerCrop, hiddenSize],
    };
    const path = join(directory, file);
    const session = await openSession({ path, provider, threads, declared });
    return new UncompressedProjector(session, geometry);
  }

  /**
   * @param features raw vision features [crops * featuresPerCrop, featureWidth]
   * @returns visual tokens [crops * featuresPerCrop, hiddenSize]
   */
  async project(features: Float32Array): Promise<Float32Array> {
    const { featuresPerCrop, featureWidth, hiddenSize } = this.#geometry;
    const cropLength = featuresPerCrop * featureWidth;
    const crops = features.length / cropLength;
    const tokens = new Float32Array(crops * featuresPerCrop * hiddenSize);
    for (let crop = 0; crop < crops; crop++) {
      const data = features.subarray(crop * cropLength, (crop + 1) * cropLength);
      const input = { type: "float32", data, shape: [1, featuresPerCrop, featureWidth] } as const;
      const [projected] = await this.#session.run({ features: input }, ["visual_tokens"]);
      tokens.set(projected ?? [], crop * featuresPerCrop * hiddenSize);
    }
    return tokens;
  }

  /** Frees the session. Idempotent. */
  async dispose(): Promise<void> {
    await this.#session.dispose();
  }
}
