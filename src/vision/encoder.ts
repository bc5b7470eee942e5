import { join } from "node:path";
import type { Provider } from "../core/device.ts";
import { FlashSlothError } from "../core/errors.ts";
import type { ModelGeometry } from "../core/manifest.ts";
import { openSession } from "../onnxruntime/open.ts";
import type { OnnxSession } from "../onnxruntime/session.ts";

/** The sizes of a model that its encoder needs. */
export type VisionGeometry = Pick<
  ModelGeometry,
  "imageSize" | "featuresPerCrop" | "featureWidth" | "tokensPerCrop" | "hiddenSize"
>;

export interface LoadVisionOptions {
  /** a converted model's folder */
  readonly directory: string;
  /** name of the vision graph, the manifest's `roles.vision` */
  readonly file: string;
  readonly geometry: VisionGeometry;
  /** @default "cpu" */
  readonly provider?: Provider | undefined;
  /** @default the machine's physical cores */
  readonly threads?: number | undefined;
  /** How many crops will be encoded, as far as one knows: for many, the CPU's weights are repacked. @default 1 */
  readonly expectedCrops?: number | undefined;
}

/**
 * On a CPU, repacking the weights takes about as long as it saves in six crops (1.7 s and 0.25 s at full size, fp32;
 * both grow with the model).
 */
const CROPS_WORTH_REPACKING = 8;

export interface EncodeOptions {
  /** uint8 [crops, S, S, 3], red first, as the resampler leaves them */
  readonly pixels: Uint8Array;
  readonly crops: number;
  /** Checked before each crop. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** What the language model reads of a picture; row-major. */
export interface EncodedCrops {
  /** raw vision features [crops * featuresPerCrop, featureWidth], for EmbQ */
  readonly features: Float32Array;
  /** compressed tokens [crops * tokensPerCrop, hiddenSize], for the prompt */
  readonly visualTokens: Float32Array;
}

/** SigLIP, spatial attention pooling and projector, on whatever device loaded. */
export class VisionEncoder {
  readonly #session: OnnxSession;
  readonly #geometry: VisionGeometry;

  private constructor(session: OnnxSession, geometry: VisionGeometry) {
    this.#session = session;
    this.#geometry = geometry;
  }

  /** @throws as `openSession` does */
  static async load(options: LoadVisionOptions): Promise<VisionEncoder> {
    const { directory, file, geometry, provider, threads, expectedCrops = 1 } = options;
    const many = expectedCrops >= CROPS_WORTH_REPACKING;
    const { imageSize, featuresPerCrop, featureWidth, tokensPerCrop, hiddenSize } = geometry;
    const session = await openSession({
      path: join(directory, file),
      provider,
      threads,
      declared: {
        pixels: [1, imageSize, imageSize, 3],
        features: [1, featuresPerCrop, featureWidth],
        visual_tokens: [1, tokensPerCrop, hiddenSize],
      },
      prepack: many,
      spin: many, // the first picture is encoded while the language model still loads
    });
    return new VisionEncoder(session, geometry);
  }

  /** onnxruntime's provider that runs the encoder */
  get provider(): Provider {
    return this.#session.provider;
  }

  /**
   * Encodes the crops one by one: on a CPU a batch is slower and takes several times the memory.
   * @throws `internal` when `pixels` is not of the promised size, `interrupted` when aborted
   */
  async encode({ pixels, crops, signal }: EncodeOptions): Promise<EncodedCrops> {
    const { imageSize: side, featuresPerCrop, featureWidth, tokensPerCrop, hiddenSize } = this.#geometry;
    const pixelsPerCrop = side * side * 3;
    if (pixels.length !== crops * pixelsPerCrop) {
      throw new FlashSlothError(
        "internal",
        `${pixels.length} bytes are not ${crops} crops of ${side} x ${side} RGB pixels`,
      );
    }
    const features = new Float32Array(crops * featuresPerCrop * featureWidth);
    const visualTokens = new Float32Array(crops * tokensPerCrop * hiddenSize);
    for (let crop = 0; crop < crops; crop++) {
      if (signal?.aborted === true) {
        throw new FlashSlothError("interrupted", `stopped after ${crop} of ${crops} crops`, {
          cause: signal.reason,
        });
      }
      const data = pixels.subarray(crop * pixelsPerCrop, (crop + 1) * pixelsPerCrop);
      const input = { type: "uint8", data, shape: [1, side, side, 3] } as const;
      const [cropFeatures, cropTokens] = await this.#session.run({ pixels: input }, [
        "features",
        "visual_tokens",
      ]);
      features.set(cropFeatures ?? [], crop * featuresPerCrop * featureWidth);
      visualTokens.set(cropTokens ?? [], crop * tokensPerCrop * hiddenSize);
    }
    return { features, visualTokens };
  }

  /** Frees the session. Idempotent. */
  async dispose(): Promise<void> {
    await this.#session.dispose();
  }
}
