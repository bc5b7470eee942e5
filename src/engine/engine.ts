import { languageKey } from "../caches/keys.ts";
import { PromptCache } from "../caches/prompts.ts";
import { FlashSlothError } from "../core/errors.ts";
import { cropCount, type ModelGeometry } from "../core/model/manifest.ts";
import { preparePicture, type PreparedPicture } from "../image/picture.ts";
import { returnFreedMemory } from "../language/ffi/allocator.ts";
import type { LanguageModel } from "../language/language-model.ts";
import { onnxruntimeRelease } from "../onnxruntime/library.ts";
import type { VisionEncoder } from "../vision/encoder.ts";
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
  PictureInput,
  PreparePictureOptions,
} from "./api.ts";
import { chosenParallel, positionsFor, usesFlashAttention } from "./capacity.ts";
import { beginLoading, disposeParts, type BeginLoadingOptions, type LoadingParts } from "./loading.ts";
import { PictureCache } from "./picture-cache.ts";
import { VisionSide } from "./vision-side.ts";
import type { EmbqTrace } from "./embq-tap.ts";
import { type Look, LookSide } from "./look-side.ts";
import { LanguageSide, type LanguageSideOptions, type Observers } from "./language-side.ts";
import { SYSTEM_TEXT, type PictureFeatures } from "./prompt.ts";

const NOTHING_DONE: EngineCounters = {
  picturesEncoded: 0,
  featuresRead: 0,
  prefixPrefills: 0,
  prefixesRead: 0,
  questions: 0,
  batches: 0,
  rows: 0,
  restarts: 0,
};

/** llama.cpp's release and backend: neither need understand another's state. Flash attention has the values lie otherwise. */
function runtimeOf({ device: { library, device } }: LanguageModel, geometry: ModelGeometry): string {
  const layout = usesFlashAttention(geometry, device) ? "" : ", values transposed";
  return `llama.cpp ${library.version}, ${device}${layout}`;
}

/** What computes features, as far as it changes them beyond rounding in float32. */
function encoderOf({ provider, arithmetic }: VisionEncoder): string {
  const products = arithmetic === "float32" ? "" : `, ${arithmetic}`;
  return `onnxruntime ${onnxruntimeRelease()}, ${provider}${products}`;
}

/** What only callers in this thread can set. */
export interface InThreadOptions
  extends BeginLoadingOptions, Pick<LanguageSideOptions, "batchRows" | "tile" | "wrapStore"> {}

/** A model in this thread: pictures in, answers out. Blocks its thread while it computes. */
export class Engine implements EngineHandle {
  readonly #options: InThreadOptions;
  readonly #parts: LoadingParts;
  readonly #pictures = new Map<number, PictureFeatures>();
  #info: EngineInfo | undefined;
  #language: Promise<LanguageSide> | undefined;
  #cache: Promise<PictureCache | undefined> | undefined;
  #vision: Promise<VisionSide> | undefined;
  #look: LookSide | undefined;
  #lastPicture = 0;
  #disposed = false;

  private constructor(options: InThreadOptions, parts: LoadingParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /**
   * Begins to load and returns at once: pictures and questions wait for the parts they need.
   * @throws `model-missing`, `model-invalid` for the manifest
   */
  static async begin(options: InThreadOptions): Promise<Engine> {
    return new Engine(options, await beginLoading(options));
  }

  /** @throws `model-missing`, `model-invalid`, `native`, `device` */
  static async load(options: InThreadOptions): Promise<Engine> {
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

  async preparePicture(
    input: string | Uint8Array,
    options: PreparePictureOptions = {},
  ): Promise<PreparedPicture> {
    const { imageSize, crops } = this.#parts.manifest.geometry;
    return await preparePicture({ ...options, input, imageSize, crops });
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
    const vision = await this.#openVision();
    const loadedAt = performance.now();
    const seen = await vision.see(picture, options);
    const { visualTokens } = seen.crops;
    const id = ++this.#lastPicture;
    this.#pictures.set(id, { ...seen.crops, key: seen.key });
    const crops = cropCount(geometry);
    return {
      id,
      width: picture.width,
      height: picture.height,
      crops,
      features: crops * geometry.featuresPerCrop,
      visualTokens: visualTokens.length / geometry.hiddenSize,
      cached: seen.cached,
      ms: { image: preparedAt - start, wait: loadedAt - preparedAt, vision: seen.ms },
    };
  }

  async ask(picture: EncodedPicture, options: AskOptions, hooks: AskHooks & Observers = {}): Promise<Answer> {
    const features = this.features(picture);
    const start = performance.now();
    const look = await this.#openLook(options, features);
    const language = await this.#openLanguage();
    const wait = performance.now() - start;
    if (look === undefined) {
      const answer = await language.ask(picture.id, features, options, hooks);
      return { ...answer, ms: { ...answer.ms, wait } };
    }
    let trace: EmbqTrace | undefined;
    const lastTurn = options.history?.length ?? 0;
    const onEmbq = (seen: EmbqTrace): void => {
      if (seen.turn === lastTurn) trace = seen;
      hooks.onEmbq?.(seen);
    };
    const answer = await language.ask(picture.id, features, options, { ...hooks, onEmbq });
    const from = performance.now();
    const explain = look({ picture: features, trace });
    return { ...answer, explain, ms: { ...answer.ms, wait, explain: performance.now() - from } };
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
  async tokenizer(): Promise<Pick<LanguageModel, "tokenize" | "endTokens">> {
    this.#checkAlive();
    return await this.#parts.language;
  }

  async release(picture: EncodedPicture): Promise<void> {
    this.#pictures.delete(picture.id);
    await (await this.#language?.catch(() => undefined))?.release(picture.id);
    returnFreedMemory();
  }

  async counters(): Promise<EngineCounters> {
    const vision = await this.#vision?.catch(() => undefined);
    const language = await this.#language?.catch(() => undefined);
    return { ...NOTHING_DONE, ...vision?.counters, ...language?.counters };
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#pictures.clear();
    await (await this.#language?.catch(() => undefined))?.dispose();
    await (await this.#vision?.catch(() => undefined))?.dispose();
    await this.#look?.dispose();
    await disposeParts(this.#parts);
  }

  async #openLook(options: AskOptions, picture: PictureFeatures): Promise<Look | undefined> {
    if (options.explain === undefined) return undefined;
    const { manifest, threads } = this.#parts;
    this.#look ??= new LookSide({ directory: this.#options.directory, manifest, threads });
    return await this.#look.open(options, picture);
  }

  async #openVision(): Promise<VisionSide> {
    this.#vision ??= Promise.all([this.#parts.vision, this.#openCache()]).then(
      ([encoder, cache]) =>
        new VisionSide({ encoder, cache, loadUncompressed: async () => this.#loadUncompressed() }),
    );
    return await this.#vision;
  }

  /** What is kept of pictures, once it is known what encodes them. */
  async #openCache(): Promise<PictureCache | undefined> {
    const { pictureCache, pictures = 1 } = this.#options;
    if (pictureCache === undefined) return undefined;
    this.#cache ??= this.#parts.vision.then((encoder) =>
      PictureCache.open({
        ...pictureCache,
        manifest: this.#parts.manifest,
        provider: encoderOf(encoder),
        pictures,
      }),
    );
    return await this.#cache;
  }

  async #openLanguage(): Promise<LanguageSide> {
    this.#checkAlive();
    const { language: loading, embq: session } = this.#parts;
    this.#language ??= Promise.all([loading, session, this.#openCache()]).then(([language, embq, cache]) => {
      this.#checkAlive();
      const { longest, batchRows, tile, wrapStore } = this.#options;
      const { geometry } = this.#parts.manifest;
      const { positions = longest && positionsFor({ geometry, ...longest }) } = this.#options;
      return new LanguageSide({
        language,
        embq,
        geometry,
        parallel: chosenParallel(this.#options.parallel, {
          device: language.device.device,
          hiddenSize: geometry.hiddenSize,
        }),
        positions,
        batchRows,
        tile,
        wrapStore,
        promptCache: this.#promptCache(language),
        prefixes: cache && {
          cache: cache.prefixes(`${runtimeOf(language, geometry)}, KV f16`),
          writes: cache.keepsPrefixes,
        },
      });
    });
    return await this.#language;
  }

  #promptCache(language: LanguageModel): PromptCache | undefined {
    const { promptCache: directory } = this.#options;
    const { manifest } = this.#parts;
    const model = languageKey(manifest);
    if (directory === undefined || model === undefined) return undefined;
    const runtime = runtimeOf(language, manifest.geometry);
    return new PromptCache({ directory, model, runtime, beginning: SYSTEM_TEXT });
  }

  async #loadUncompressed(): Promise<UncompressedProjector> {
    const { manifest, threads } = this.#parts;
    const { directory } = this.#options;
    const file = manifest.roles.uncompressed;
    const { provider } = await this.#parts.vision;
    return await UncompressedProjector.load({
      directory,
      file,
      geometry: manifest.geometry,
      provider,
      threads,
    });
  }

  #checkAlive(): void {
    if (this.#disposed) throw new FlashSlothError("usage", "the engine was disposed");
  }
}
