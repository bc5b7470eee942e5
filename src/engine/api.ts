import type { DeviceChoice } from "../core/model/device.ts";
import type { PreparedPicture } from "../image/picture.ts";
import type { Attention, AttentionLayer } from "./attention.ts";
import type { ChoicesConstraint, ScoredChoice } from "./constraint/choices.ts";
import type { EngineCounters, EngineInfo } from "./loaded.ts";
import type { Turn } from "./prompt.ts";
import type { TokenLogprob } from "./token-logprobs.ts";

export type { Attention, AttentionLayer } from "./attention.ts";
export type { ChoicesConstraint, ScoredChoice } from "./constraint/choices.ts";
export type { DeviceReport, EngineCounters, EngineInfo } from "./loaded.ts";
export type { Turn } from "./prompt.ts";
export type { LikelyToken, TokenLogprob } from "./token-logprobs.ts";

/** The engine as its callers see it, whether it runs in this thread or in a worker. Plain data only. */

export interface EngineOptions {
  /** A converted model's folder. */
  readonly directory: string;
  /**
   * Where to compute; `auto` takes the best that has proved itself, see `verdicts`.
   * @default "auto"
   */
  readonly device?: DeviceChoice | undefined;
  /** For the vision encoder alone. @default as `device` */
  readonly visionDevice?: DeviceChoice | undefined;
  /** For the language model alone. @default as `device` */
  readonly languageDevice?: DeviceChoice | undefined;
  /**
   * A folder for verdicts on devices: any but the CPU computes known numbers in a process of its own when it is first used with a model,
   * and whenever its driver, a package or the model has changed.
   * @default nothing is tried: `auto` is the CPU, and a device that is named is taken as it is
   */
  readonly verdicts?: string | undefined;
  /** Threads for each runtime. @default the machine's physical cores; 1 for a tiny model */
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
  /**
   * Positions of the longest prompt and answer, beyond which a question is too long. More than the model was trained for is
   * of use only for measuring. @default the model's context
   */
  readonly positions?: number | undefined;
  /**
   * The longest question, in UTF-8 bytes, and the longest answer, in tokens, where that is known: memory is taken for no more.
   * Longer ones are refused, or cut. @default what `positions` allows
   */
  readonly longest?: { readonly questionBytes: number; readonly maxTokens: number } | undefined;
  /**
   * A folder for what the language model makes of the text that every prompt begins with: computed once, read ever after.
   * @default none
   */
  readonly promptCache?: string | undefined;
  /**
   * Where the features of pictures are kept, and of the last few their part of the prompt: asking again about a picture
   * then costs no vision, in this process or a later one. Features are rounded to float16 then, seen before or not.
   * @default nothing is kept
   */
  readonly pictureCache?: PictureCacheOptions | undefined;
}

export interface PictureCacheOptions {
  /** a folder for features, and one for prefixes in the KV cache; made when there is something to keep */
  readonly features: string;
  readonly prefixes: string;
  /** Bytes of both together, about; what was used longest ago goes first. @default 3 GiB */
  readonly maxBytes?: number | undefined;
}

/** A picture by its path, by its encoded bytes (JPEG, PNG, …), or as `preparePicture` returned it. */
export type PictureInput = string | Uint8Array | PreparedPicture;

export interface PreparePictureOptions {
  /** What messages call the picture. @default the path, or "the picture" for bytes */
  readonly name?: string | undefined;
  /** The most pixels that are decoded: one of more is `image-too-large`. @default 200 million, of HEIC 100 million */
  readonly maxPixels?: number | undefined;
}

export interface EncodePictureOptions {
  /**
   * Project every feature to a visual token of its own instead of pooling them, to measure what compression saves:
   * the answers then mean nothing. @default false
   */
  readonly uncompressed?: boolean | undefined;
  /** Aborting it before the picture is encoded rejects with `interrupted`. @default never */
  readonly signal?: AbortSignal | undefined;
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
  /** whether its features were kept from an earlier time, and not computed */
  readonly cached: boolean;
  readonly ms: {
    /** reading, decoding and resampling; next to nothing for a prepared picture */
    readonly image: number;
    /** waiting for the vision encoder to load */
    readonly wait: number;
    readonly vision: number;
  };
}

/** The answer is JSON that a schema describes; see `compileSchema` for what a schema may use. */
export interface SchemaConstraint {
  readonly kind: "schema";
  /** what `JSON.parse` makes of a JSON schema */
  readonly schema: unknown;
}

/** What an answer must be. */
export type Constraint = ChoicesConstraint | SchemaConstraint;

/** That the answer shall come with where the model looked. */
export interface ExplainOptions {
  /** @default "embq" */
  readonly layer?: AttentionLayer | undefined;
}

export interface AskOptions {
  readonly question: string;
  /** What was asked and answered about the picture before, the oldest first. @default nothing */
  readonly history?: readonly Turn[] | undefined;
  /**
   * Keep question and answer in the KV cache, for a next turn that has them in its history: only what is new is computed
   * then. @default false
   */
  readonly keep?: boolean | undefined;
  /** @default any text */
  readonly constraint?: Constraint | undefined;
  /** @default 512 */
  readonly maxTokens?: number | undefined;
  /** 0 is greedy. @default 0 */
  readonly temperature?: number | undefined;
  /** in (0, 1]. @default 1 */
  readonly topP?: number | undefined;
  /** unsigned 32 bit; only sampling uses it. @default 0 */
  readonly seed?: number | undefined;
  /**
   * Strings before which the answer ends, looked for in its text: whatever tokens they are cut into, nothing of them is
   * part of it. @default none
   */
  readonly stop?: readonly string[] | undefined;
  /**
   * Tell the log-probability of each token of the answer, and of so many of the likeliest in its place, from 0 to 20. Choices
   * have probabilities of their own. @default they are not looked at
   */
  readonly logprobs?: number | undefined;
  /** false leaves EmbQ out, as an ablation. @default true */
  readonly embq?: boolean | undefined;
  /** Generate on past the end of the answer, so that a benchmark always has as many tokens. @default false */
  readonly ignoreEnd?: boolean | undefined;
  /** Also give what the model attended to, in `Answer.explain`: of several turns, by the last question. @default it is not computed */
  readonly explain?: ExplainOptions | undefined;
  /** Stop after this many milliseconds, waiting for its turn included, and keep what was said. @default none */
  readonly timeoutMs?: number | undefined;
}

export interface Answer {
  readonly text: string;
  /**
   * Why it ended: the model said so or a string to stop at came, `maxTokens`, it repeated itself without end (and was cut after the second time, see
   * `Repetition`), `timeoutMs`, `signal`.
   */
  readonly finish: "stop" | "length" | "repetition" | "timeout" | "interrupted";
  readonly tokens: {
    /** visual tokens, all prompt positions, and generated tokens (the end token not counted, a cut repetition counted) */
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
  /** What the model gave to each of them. @default they were not asked for */
  readonly logprobs?: readonly TokenLogprob[] | undefined;
  /** Every choice with its probability, in the order given. @default the answer was not one of choices */
  readonly choices?: readonly ScoredChoice[] | undefined;
  /** The probability of all choices together: what is left the model would have given to other answers. */
  readonly mass?: number | undefined;
  /**
   * Where the model looked: attention weights over the picture's patches, see `drawAttention`.
   * @default not asked for, or the answer was stopped before the model had looked
   */
  readonly explain?: Attention | undefined;
  /** Wall time; of work that several questions share, each has all of it. */
  readonly ms: {
    /** waiting for the language model to load */
    readonly wait: number;
    /** waiting for other questions */
    readonly queue: number;
    /** text rows, picture and question through the language model, EmbQ included */
    readonly prefill: number;
    /** EmbQ alone, inside `prefill` */
    readonly embq: number;
    /** from the end of prefill to the first token */
    readonly firstToken: number;
    /** the tokens after the first */
    readonly decode: number;
    /** the map in `explain`, after the answer. @default there is none */
    readonly explain?: number | undefined;
  };
}

export interface AskHooks {
  /**
   * Called with each piece of new text; never splits a UTF-8 character.
   * @param logprobs where they are asked for: of the tokens since the last piece. Those of white space at the end come with none.
   */
  readonly onText?: ((piece: string, logprobs?: readonly TokenLogprob[]) => void) | undefined;
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
  preparePicture(input: string | Uint8Array, options?: PreparePictureOptions): Promise<PreparedPicture>;
  /**
   * Decodes a picture (JPEG, PNG, WebP, AVIF, HEIC, GIF, TIFF, SVG), turns it upright, and runs the vision encoder. A prepared
   * picture is handed over: where the engine runs in a thread of its own, its pixels are gone from the caller's.
   * @throws `interrupted`; `image-not-found`, `image-unreadable`, `image-invalid`, `image-too-large`; `usage` for `uncompressed`
   *   where the model's folder has no graph for it, and for a picture that was prepared for another model
   */
  encodePicture(input: PictureInput, options?: EncodePictureOptions): Promise<EncodedPicture>;
  /**
   * Answers a question; of several that are asked at once, as many are worked on together as the engine takes. A second
   * question about the same picture keeps the picture's positions in the KV cache.
   * @throws `question-too-long`; `usage` for a blank question, an explanation that this model or question has none of, choices
   *   that are none, a schema that cannot be used, stops or logprobs that cannot be, or a picture that was released;
   *   `constraint`, `timeout` for an answer by a schema that ended before it was whole; `interrupted` when the engine was
   *   disposed meanwhile
   */
  ask(picture: EncodedPicture, options: AskOptions, hooks?: AskHooks): Promise<Answer>;
  /** Forgets an encoded picture; questions that were asked about it before are still answered. */
  release(picture: EncodedPicture): Promise<void>;
  counters(): Promise<EngineCounters>;
  /** Rejects what is not answered yet, and frees every native handle. Idempotent. */
  dispose(): Promise<void>;
}
