import { FlashSlothError } from "../core/errors.ts";
import { cropCount, readManifest, type Manifest } from "../core/manifest.ts";
import { preparePicture } from "../image/picture.ts";
import { EmbqSession } from "../language/embq.ts";
import { LanguageModel } from "../language/language-model.ts";
import { VisionEncoder } from "../vision/encoder.ts";
import { UncompressedProjector } from "../vision/uncompressed.ts";
import type {
  Answer,
  AskHooks,
  AskOptions,
  EncodedPicture,
  EncodePictureOptions,
  EngineCounters,
  EngineHandle,
  EngineInfo,
  EngineOptions,
  PictureInput,
} from "./api.ts";
import { Conversation } from "./conversation.ts";
import type { EmbqTrace, PictureFeatures } from "./prefill.ts";
import { defaultThreads } from "./threads.ts";

interface Parts {
  readonly manifest: Manifest;
  readonly vision: VisionEncoder;
  readonly embq: EmbqSession;
  readonly language: LanguageModel;
  readonly loadUncompressed: () => Promise<UncompressedProjector>;
}

/** A loaded model in this thread: pictures in, answers out. Blocks its thread while it computes. */
export class Engine implements EngineHandle {
  readonly info: EngineInfo;
  readonly #parts: Parts;
  readonly #conversation: Conversation;
  readonly #pictures = new Map<number, PictureFeatures>();
  #uncompressed: UncompressedProjector | undefined;
  #picturesEncoded = 0;
  #questions = 0;
  #disposed = false;

  private constructor(info: EngineInfo, parts: Parts) {
    this.info = info;
    this.#parts = parts;
    this.#conversation = new Conversation({ ...parts, geometry: parts.manifest.geometry });
  }

  /** @throws `model-missing`, `model-invalid`, `native`, `device` */
  static async load(options: EngineOptions): Promise<Engine> {
    const start = performance.now();
    const { directory, device = "auto" } = options;
    const manifest = await readManifest(directory);
    const { geometry, roles } = manifest;
    const threads = options.threads ?? (await defaultThreads(geometry.hiddenSize));
    const open: { dispose(): Promise<void> }[] = [];
    const timed = async <T extends { dispose(): Promise<void> }>(load: Promise<T>): Promise<[T, number]> => {
      const from = performance.now();
      const part = await load;
      open.push(part);
      return [part, performance.now() - from];
    };
    try {
      const [vision, visionMs] = await timed(
        VisionEncoder.load({ directory, file: roles.vision, geometry, device, threads }),
      );
      const [embq, embqMs] = await timed(
        EmbqSession.load({ directory, file: roles.embq, geometry, device, threads }),
      );
      const [language, languageMs] = await timed(
        LanguageModel.load({ directory, manifest, device, threads }),
      );
      const total = performance.now() - start;
      const info: EngineInfo = {
        name: manifest.name,
        device: {
          vision: vision.provider,
          language: language.device.device,
          notes: [...vision.notes.map((note) => `vision: ${note}`), ...language.device.notes],
        },
        loadMs: { vision: visionMs, embq: embqMs, language: languageMs, total },
        threads,
      };
      const loadUncompressed = (): Promise<UncompressedProjector> =>
        UncompressedProjector.load({ directory, file: roles.uncompressed, geometry, device, threads });
      return new Engine(info, { manifest, vision, embq, language, loadUncompressed });
    } catch (error) {
      for (const part of open) await part.dispose();
      throw error;
    }
  }

  async encodePicture(input: PictureInput, options: EncodePictureOptions = {}): Promise<EncodedPicture> {
    this.#checkAlive();
    const { manifest, vision } = this.#parts;
    const { geometry } = manifest;
    if (options.uncompressed === true) this.#uncompressed ??= await this.#parts.loadUncompressed();
    const start = performance.now();
    const picture = await preparePicture({ input, imageSize: geometry.imageSize, crops: geometry.crops });
    const preparedAt = performance.now();
    const compressed = await vision.encode({ pixels: picture.pixels, crops: picture.crops });
    const encoded =
      options.uncompressed === true && this.#uncompressed !== undefined
        ? { ...compressed, visualTokens: await this.#uncompressed.project(compressed.features) }
        : compressed;
    const end = performance.now();
    const id = ++this.#picturesEncoded;
    this.#pictures.set(id, encoded);
    const crops = cropCount(geometry);
    return {
      id,
      width: picture.width,
      height: picture.height,
      crops,
      features: crops * geometry.featuresPerCrop,
      visualTokens: encoded.visualTokens.length / geometry.hiddenSize,
      ms: { image: preparedAt - start, vision: end - preparedAt },
    };
  }

  async ask(
    picture: EncodedPicture,
    options: AskOptions,
    hooks: AskHooks & { readonly onEmbq?: ((trace: EmbqTrace) => void) | undefined } = {},
  ): Promise<Answer> {
    const answer = await this.#conversation.ask(picture.id, this.features(picture), options, hooks);
    this.#questions++;
    return answer;
  }

  /** What the vision side made of a picture. */
  features(picture: EncodedPicture): PictureFeatures {
    this.#checkAlive();
    const features = this.#pictures.get(picture.id);
    if (features === undefined) {
      throw new FlashSlothError("usage", "this picture was released, or belongs to another engine");
    }
    return features;
  }

  /** Token ids of plain text; special tokens are never recognised in it. */
  tokenize(text: string): number[] {
    this.#checkAlive();
    return this.#parts.language.tokenize(text);
  }

  /** The logits that the last answer ended on: float32 [vocabulary]. */
  logits(): Float32Array {
    this.#checkAlive();
    return this.#conversation.logits();
  }

  async release(picture: EncodedPicture): Promise<void> {
    this.#pictures.delete(picture.id);
  }

  async counters(): Promise<EngineCounters> {
    return {
      picturesEncoded: this.#picturesEncoded,
      prefixPrefills: this.#conversation.prefixPrefills,
      questions: this.#questions,
    };
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#pictures.clear();
    this.#conversation.dispose();
    await this.#parts.language.dispose();
    await this.#parts.embq.dispose();
    await this.#parts.vision.dispose();
    await this.#uncompressed?.dispose();
  }

  #checkAlive(): void {
    if (this.#disposed) throw new FlashSlothError("usage", "the engine was disposed");
  }
}
