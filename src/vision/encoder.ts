import { join } from "node:path";
import type { Arithmetic, Provider } from "../core/model/device.ts";
import { FlashSlothError } from "../core/errors.ts";
import type { ModelGeometry } from "../core/model/manifest.ts";
import { openSession } from "../onnxruntime/open.ts";
import type { OnnxSession, TensorInput } from "../onnxruntime/session.ts";

/** The sizes of a model that its encoder needs. */
export type VisionGeometry = Pick<
  ModelGeometry,
  "imageSize" | "featuresPerCrop" | "featureWidth" | "tokensPerCrop" | "hiddenSize"
>;

export interface LoadVisionOptions {
  /** a converted model's folder */
  readonly directory: string;
  /** name of one of the vision graphs, see `visionForms` */
  readonly file: string;
  /** What that graph's products are computed in. @default "float32" */
  readonly arithmetic?: Arithmetic | undefined;
  /** The most crops of one run. @default 1 */
  readonly cropsPerRun?: number | undefined;
  /** The same graph in float32, which is loaded for pictures whose values float16 cannot hold. @default there are none */
  readonly exactFile?: string | undefined;
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
  /** Checked before each run. @default none */
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
  /** the most crops of one run */
  readonly cropsPerRun: number;
  /** what the encoder's products are computed in */
  readonly arithmetic: Arithmetic;
  readonly #session: OnnxSession;
  readonly #options: LoadVisionOptions;
  #exact: Promise<OnnxSession> | undefined;

  private constructor(session: OnnxSession, options: LoadVisionOptions) {
    const { arithmetic = "float32", cropsPerRun = 1 } = options;
    this.#session = session;
    this.#options = options;
    this.arithmetic = arithmetic;
    this.cropsPerRun = cropsPerRun;
  }

  /** @throws as `openSession` does */
  static async load(options: LoadVisionOptions): Promise<VisionEncoder> {
    return new VisionEncoder(await openGraph(options, options.file), options);
  }

  /** onnxruntime's provider that runs the encoder */
  get provider(): Provider {
    return this.#session.provider;
  }

  /**
   * Encodes the crops, as many in a run as the form allows: on a CPU one by one, where a batch is slower and takes several times
   * the memory.
   * @throws `internal` when `pixels` is not of the promised size, `interrupted` when aborted
   */
  async encode({ pixels, crops, signal }: EncodeOptions): Promise<EncodedCrops> {
    const {
      imageSize: side,
      featuresPerCrop,
      featureWidth,
      tokensPerCrop,
      hiddenSize,
    } = this.#options.geometry;
    const perCrop = {
      pixels: side * side * 3,
      features: featuresPerCrop * featureWidth,
      tokens: tokensPerCrop * hiddenSize,
    };
    if (pixels.length !== crops * perCrop.pixels) {
      throw new FlashSlothError(
        "internal",
        `${pixels.length} bytes are not ${crops} crops of ${side} x ${side} RGB pixels`,
      );
    }
    const features = new Float32Array(crops * perCrop.features);
    const visualTokens = new Float32Array(crops * perCrop.tokens);
    for (let first = 0; first < crops; first += this.cropsPerRun) {
      if (signal?.aborted === true) {
        throw new FlashSlothError("interrupted", `stopped after ${first} of ${crops} crops`, {
          cause: signal.reason,
        });
      }
      const end = Math.min(first + this.cropsPerRun, crops);
      const data = pixels.subarray(first * perCrop.pixels, end * perCrop.pixels);
      const input = { type: "uint8", data, shape: [end - first, side, side, 3] } as const;
      const [runFeatures = [], runTokens = []] = await this.#run(input);
      features.set(runFeatures, first * perCrop.features);
      visualTokens.set(runTokens, first * perCrop.tokens);
    }
    return { features, visualTokens };
  }

  /** Frees the sessions. Idempotent. */
  async dispose(): Promise<void> {
    await this.#session.dispose();
    await (await this.#exact?.catch(() => undefined))?.dispose();
  }

  /** @returns features and visual tokens of the crops of a run */
  async #run(pixels: TensorInput): Promise<Float32Array[]> {
    const outputs = await this.#session.run({ pixels }, OUTPUTS);
    const { exactFile } = this.#options;
    // every feature has a part in a visual token
    if (exactFile === undefined || allFinite(outputs[1] ?? [])) return outputs;
    this.#exact ??= openGraph(this.#options, exactFile);
    return await (await this.#exact).run({ pixels }, OUTPUTS);
  }
}

const OUTPUTS = ["features", "visual_tokens"] as const;

async function openGraph(options: LoadVisionOptions, file: string): Promise<OnnxSession> {
  const { directory, geometry, provider, threads, cropsPerRun: crops = 1, expectedCrops = 1 } = options;
  const many = expectedCrops >= CROPS_WORTH_REPACKING;
  const { imageSize, featuresPerCrop, featureWidth, tokensPerCrop, hiddenSize } = geometry;
  return await openSession({
    path: join(directory, file),
    provider,
    threads,
    declared: {
      pixels: [crops, imageSize, imageSize, 3],
      features: [crops, featuresPerCrop, featureWidth],
      visual_tokens: [crops, tokensPerCrop, hiddenSize],
    },
    prepack: many,
    spin: many, // the first picture is encoded while the language model still loads
  });
}

/** Whether no value overflowed on its way here. */
function allFinite(values: ArrayLike<number>): boolean {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += (values[at] ?? 0) * 0;
  return sum === 0;
}
