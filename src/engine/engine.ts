import { languageKey } from "../caches/keys.ts";
import { PromptCache } from "../caches/prompts.ts";
import { FlashSlothError } from "../core/errors.ts";
import { cropCount } from "../core/manifest.ts";
import { preparePicture, type PreparedPicture } from "../image/picture.ts";
import type { LanguageModel } from "../language/language-model.ts";
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
import { beginLoading, disposeParts, type LoadingParts } from "./loading.ts";
import type { EmbqTrace, PictureFeatures } from "./prefill.ts";
import { SYSTEM_TEXT } from "./prompt.ts";

/** A model in this thread: pictures in, answers out. Blocks its thread while it computes. */
export class Engine implements EngineHandle {
  readonly #options: EngineOptions;
  readonly #parts: LoadingParts;
  readonly #pictures = new Map<number, PictureFeatures>();
  #info: EngineInfo | undefined;
  #conversation: Conversation | undefined;
  #uncompressed: UncompressedProjector | undefined;
  #picturesEncoded = 0;
  #questions = 0;
  #disposed = false;

  private constructor(options: EngineOptions, parts: LoadingParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /**
   * Begins to load and returns at once: pictures and questions wait for the parts they need.
   * @throws `model-missing`, `model-invalid` for the manifest
   */
  static async begin(options: EngineOptions): Promise<Engine> {
    return new Engine(options, await beginLoading(options));
  }

  /** @throws `model-missing`, `model-invalid`, `native`, `device` */
  static async load(options: EngineOptions): Promise<Engine> {
    const engine = await Engine.begin(options);
    try {
      await engine.ready();
    } catch (error) {
      await engine.dispose();
      throw error;
    }
    return engine;
  }

  async ready(): Promise<EngineInfo> {
    this.#info = await this.#parts.info;
    return this.#info;
  }

  get info(): EngineInfo {
    if (this.#info === undefined) throw new FlashSlothError("internal", "the engine is still loading");
    return this.#info;
  }

  async preparePicture(input: string | Uint8Array): Promise<PreparedPicture> {
    const { imageSize, crops } = this.#parts.manifest.geometry;
    return await preparePicture({ input, imageSize, crops });
  }

  async encodePicture(input: PictureInput, options: EncodePictureOptions = {}): Promise<EncodedPicture> {
    this.#checkAlive();
    const { geometry } = this.#parts.manifest;
    const start = performance.now();
    const prepared = typeof input === "object" && "pixels" in input;
    const picture = prepared ? input : await this.preparePicture(input);
    if (picture.size !== geometry.imageSize || picture.crops !== cropCount(geometry)) {
      throw new FlashSlothError("usage", "this picture was prepared for another model");
    }
    const preparedAt = performance.now();
    const vision = await this.#parts.vision;
    if (options.uncompressed === true) this.#uncompressed ??= await this.#loadUncompressed();
    const loadedAt = performance.now();
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
      ms: { image: preparedAt - start, wait: loadedAt - preparedAt, vision: end - loadedAt },
    };
  }

  async ask(
    picture: EncodedPicture,
    options: AskOptions,
    hooks: AskHooks & { readonly onEmbq?: ((trace: EmbqTrace) => void) | undefined } = {},
  ): Promise<Answer> {
    const features = this.features(picture);
    const start = performance.now();
    const conversation = await this.#talk();
    const wait = performance.now() - start;
    const answer = await conversation.ask(picture.id, features, options, hooks);
    this.#questions++;
    return { ...answer, ms: { ...answer.ms, wait } };
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

  /** What turns text into token ids: special tokens are never recognised in it. */
  async tokenizer(): Promise<{ tokenize(text: string): number[] }> {
    this.#checkAlive();
    return await this.#parts.language;
  }

  /** The logits that the last answer ended on: float32 [vocabulary]. */
  logits(): Float32Array {
    this.#checkAlive();
    if (this.#conversation === undefined) throw new FlashSlothError("internal", "nothing was asked yet");
    return this.#conversation.logits();
  }

  async release(picture: EncodedPicture): Promise<void> {
    this.#pictures.delete(picture.id);
  }

  async counters(): Promise<EngineCounters> {
    return {
      picturesEncoded: this.#picturesEncoded,
      prefixPrefills: this.#conversation?.prefixPrefills ?? 0,
      questions: this.#questions,
    };
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#pictures.clear();
    await this.#conversation?.dispose();
    await this.#uncompressed?.dispose();
    await disposeParts(this.#parts);
  }

  async #talk(): Promise<Conversation> {
    const [language, embq] = await Promise.all([this.#parts.language, this.#parts.embq]);
    const { manifest } = this.#parts;
    this.#conversation ??= new Conversation({
      language,
      embq,
      geometry: manifest.geometry,
      promptCache: this.#promptCache(language),
    });
    return this.#conversation;
  }

  #promptCache({ device: { library } }: LanguageModel): PromptCache | undefined {
    const { promptCache: directory } = this.#options;
    const model = languageKey(this.#parts.manifest);
    if (directory === undefined || model === undefined) return undefined;
    const runtime = `llama.cpp ${library.version}, ${library.backend}`;
    return new PromptCache({ directory, model, runtime, beginning: SYSTEM_TEXT });
  }

  async #loadUncompressed(): Promise<UncompressedProjector> {
    const { manifest, threads } = this.#parts;
    const { directory, device } = this.#options;
    const file = manifest.roles.uncompressed;
    return await UncompressedProjector.load({
      directory,
      file,
      geometry: manifest.geometry,
      device,
      threads,
    });
  }

  #checkAlive(): void {
    if (this.#disposed) throw new FlashSlothError("usage", "the engine was disposed");
  }
}
