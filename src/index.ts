import { DEFAULT_MODEL } from "./core/model/default-model.ts";
import type { DeviceChoice } from "./core/model/device.ts";
import type { WantedVariant } from "./core/model/variant.ts";
import type { EngineHandle } from "./engine/api.ts";
import { startEngine } from "./engine/client.ts";
import { storePaths } from "./store/home.ts";
import type { OnStoreProgress } from "./store/progress.ts";
import { resolveModel } from "./store/resolve.ts";

export type {
  Answer,
  AskHooks,
  AskOptions,
  Attention,
  AttentionLayer,
  ChoicesConstraint,
  Constraint,
  DeviceReport,
  EncodedPicture,
  EngineCounters,
  EngineHandle as Model,
  EngineInfo,
  ExplainOptions,
  LikelyToken,
  PictureInput,
  SchemaConstraint,
  ScoredChoice,
  TokenLogprob,
  Turn,
} from "./engine/api.ts";
export {
  Conversation,
  type ConversationAskOptions,
  type ConversationModel,
  type ConversationOptions,
  type ConversationSettings,
  type ConversationTurn,
} from "./chat/conversation.ts";
export { drawAttention, type DrawAttentionOptions } from "./explain/draw.ts";
export { measureAttention, type AttentionMeasure } from "./explain/shown.ts";
export type { RgbPicture } from "./image/decode.ts";
export type { DeviceChoice } from "./core/model/device.ts";
export type { PreparedPicture } from "./image/picture.ts";
export { DEFAULT_MODEL } from "./core/model/default-model.ts";
export { FlashSlothError, type ErrorCode, type FlashSlothErrorOptions } from "./core/errors.ts";
export type { VisionPrecision } from "./core/model/variant.ts";
export type { OnStoreProgress, StoreProgress } from "./store/progress.ts";

export interface LoadModelOptions extends WantedVariant {
  /** A model's name, `hf:OWNER/REPO[@REVISION]`, or a folder (converted, or a checkpoint). @default "flashsloth-3.2b" */
  readonly model?: string | undefined;
  /** Where to compute; `auto` takes the best that has proved itself. @default "auto" */
  readonly device?: DeviceChoice | undefined;
  /** For the vision encoder alone. @default as `device` */
  readonly visionDevice?: DeviceChoice | undefined;
  /** For the language model alone. @default as `device` */
  readonly languageDevice?: DeviceChoice | undefined;
  /** Threads for each runtime. @default the machine's physical cores */
  readonly threads?: number | undefined;
  /**
   * How many pictures will be encoded, as far as one knows. For several (8; 2 with five crops each) a CPU's vision weights are
   * repacked: loading takes longer, each picture less. @default 1
   */
  readonly pictures?: number | undefined;
  /**
   * How many questions are worked on at once; more wait. `auto` takes what was measured best for the device.
   * @default "auto"
   */
  readonly parallel?: number | "auto" | undefined;
  /** Whether a model that is not on this disk may be fetched. @default true, unless `HF_HUB_OFFLINE` is set */
  readonly download?: boolean | undefined;
  /** Hears of downloads and conversions. @default nobody */
  readonly onProgress?: OnStoreProgress | undefined;
  /** Stops a download or a conversion. @default never */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Loads a model in a worker thread, fetching and converting it first where that is needed.
 *
 * @example
 * const model = await loadModel({ model: "demo" });
 * const picture = await model.encodePicture("drawing.png");
 * const { text } = await model.ask(picture, { question: "What color is the circle?" });
 * await model.dispose();
 * @throws FlashSlothError: `usage` for an unknown name or variant, `model-missing`, `model-invalid`, `checkpoint-invalid`,
 * `network`, `access`, `disk`, `native`, `device`
 */
export async function loadModel(options: LoadModelOptions = {}): Promise<EngineHandle> {
  const {
    model = DEFAULT_MODEL,
    device,
    visionDevice,
    languageDevice,
    threads,
    pictures,
    parallel,
    ...wanted
  } = options;
  const { directory } = await resolveModel({ model, ...wanted });
  const paths = storePaths();
  return await startEngine({
    directory,
    device,
    visionDevice,
    languageDevice,
    threads,
    pictures,
    parallel,
    promptCache: paths.prompts,
    verdicts: paths.verdicts,
  });
}
