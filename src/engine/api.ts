import type { DeviceChoice } from "../core/device.ts";
import type { PreparedPicture } from "../image/picture.ts";

/** The engine as its callers see it, whether it runs in this thread or in a worker. Plain data only. */

/** What really loaded. */
export interface DeviceReport {
  /** onnxruntime's provider: `cpu`, `cuda`, `coreml`, … */
  readonly vision: string;
  /** llama.cpp's backend: `cpu`, `cuda`, `metal`, `vulkan` */
  readonly language: string;
  /** what was tried first and why it was not taken, a sentence each */
  readonly notes: readonly string[];
}

export interface EngineOptions {
  /** A converted model's folder. */
  readonly directory: string;
  /** @default "auto" */
  readonly device?: DeviceChoice | undefined;
  /** Threads for each runtime. @default the machine's physical cores; 1 for a tiny model */
  readonly threads?: number | undefined;
  /**
   * How many pictures will be encoded, as far as one knows. For several (8; 2 with five crops each) a CPU's vision weights are
   * repacked: loading takes longer, each picture less. @default 1
   */
  readonly pictures?: number | undefined;
  /**
   * A folder for what the language model makes of the text that every prompt begins with: computed once, read ever after.
   * @default none
   */
  readonly promptCache?: string | undefined;
}

/** A picture by its path, by its encoded bytes (JPEG, PNG, …), or as `preparePicture` returned it. */
export type PictureInput = string | Uint8Array | PreparedPicture;

export interface EncodePictureOptions {
  /**
   * Project every feature to a visual token of its own instead of pooling them, to measure what compression saves:
   * the answers then mean nothing. @default false
   */
  readonly uncompressed?: boolean | undefined;
}

/** An encoded picture, held by the engine until released. */
export interface EncodedPicture {
  readonly id: number;
  /** size as the user sees it, after EXIF orientation */
  readonly width: number;
  readonly height: number;
  readonly crops: number;
  /** raw vision features, and the visual tokens they were compressed to */
  readonly features: number;
  readonly visualTokens: number;
  readonly ms: {
    /** reading, decoding and resampling; next to nothing for a prepared picture */
    readonly image: number;
    /** waiting for the vision encoder to load */
    readonly wait: number;
    readonly vision: number;
  };
}

export interface AskOptions {
  readonly question: string;
  /** @default 512 */
  readonly maxTokens?: number | undefined;
  /** 0 is greedy. @default 0 */
  readonly temperature?: number | undefined;
  /** in (0, 1]. @default 1 */
  readonly topP?: number | undefined;
  /** unsigned 32 bit; only sampling uses it. @default 0 */
  readonly seed?: number | undefined;
  /** false leaves EmbQ out, as an ablation. @default true */
  readonly embq?: boolean | undefined;
  /** Generate on past the end of the answer, so that a benchmark always has as many tokens. @default false */
  readonly ignoreEnd?: boolean | undefined;
  /** Stop after this many milliseconds and keep what was said. @default none */
  readonly timeoutMs?: number | undefined;
}

export interface Answer {
  readonly text: string;
  readonly finish: "stop" | "length" | "timeout" | "interrupted";
  readonly tokens: {
    /** visual tokens, all prompt positions, and generated tokens (the end token not counted) */
    readonly image: number;
    readonly prompt: number;
    readonly answer: number;
    /** the question's own tokens, which EmbQ reads */
    readonly question: number;
  };
  /** prompt positions that were in the KV cache, or in a file of it, and not computed again */
  readonly reusedPositions: number;
  /** the token ids of the answer */
  readonly ids: readonly number[];
  readonly ms: {
    /** waiting for the language model to load */
    readonly wait: number;
    /** text rows, picture and question through the language model, EmbQ included */
    readonly prefill: number;
    /** EmbQ alone, inside `prefill` */
    readonly embq: number;
    /** from the end of prefill to the first token */
    readonly firstToken: number;
    /** the tokens after the first */
    readonly decode: number;
  };
}

/** Counts since the engine started: what work was done, not how long it took. */
export interface EngineCounters {
  readonly picturesEncoded: number;
  readonly prefixPrefills: number;
  readonly questions: number;
}

export interface EngineInfo {
  readonly name: string;
  readonly device: DeviceReport;
  readonly loadMs: {
    readonly vision: number;
    readonly language: number;
    readonly embq: number;
    readonly total: number;
  };
  readonly threads: number;
}

export interface AskHooks {
  /** Called with each piece of new text; never splits a UTF-8 character. */
  readonly onText?: ((piece: string) => void) | undefined;
  /** Aborting ends generation after the token in hand, with finish `interrupted`. */
  readonly signal?: AbortSignal | undefined;
}

/** A loaded model. Encoding a picture and asking about it are separate: a picture is encoded once, asked about often. */
export interface EngineHandle {
  /** What loaded, on which device, and how long it took; an `internal` error before `ready()` has resolved. */
  readonly info: EngineInfo;
  /**
   * Resolves when every part has loaded. Pictures and questions may come before: they wait for what they need.
   * @throws `model-missing`, `model-invalid`, `native`, `device`
   */
  ready(): Promise<EngineInfo>;
  /**
   * Reads, decodes and resamples a picture in the calling thread, so that it gets ready while the engine still loads or
   * computes something else. `encodePicture` does this by itself where it is given a path or bytes.
   * @throws `image-not-found`, `image-unreadable`, `image-invalid`, `image-too-large`; `model-missing`, `model-invalid`
   */
  preparePicture(input: string | Uint8Array): Promise<PreparedPicture>;
  /**
   * Decodes a picture (JPEG, PNG, WebP, AVIF, GIF, TIFF, SVG), turns it upright, and runs the vision encoder.
   * @throws `image-not-found`, `image-unreadable`, `image-invalid`, `image-too-large`; `usage` for `uncompressed`
   *   where the model's folder has no graph for it, and for a picture that was prepared for another model
   */
  encodePicture(input: PictureInput, options?: EncodePictureOptions): Promise<EncodedPicture>;
  /**
   * Answers a question. A second question about the same picture keeps the picture's positions in the KV cache.
   * @throws `question-too-long`; `usage` for a blank question or a picture that was released
   */
  ask(picture: EncodedPicture, options: AskOptions, hooks?: AskHooks): Promise<Answer>;
  /** Forgets an encoded picture. */
  release(picture: EncodedPicture): Promise<void>;
  counters(): Promise<EngineCounters>;
  /** Frees every native handle. Idempotent. */
  dispose(): Promise<void>;
}
