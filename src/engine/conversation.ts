import type { PromptCache } from "../caches/prompts.ts";
import { FlashSlothError } from "../core/errors.ts";
import type { ModelGeometry } from "../core/manifest.ts";
import type { EmbqSession } from "../vision/embq.ts";
import type { NativeContext } from "../language/ffi/context.ts";
import type { LanguageModel } from "../language/language-model.ts";
import type { Answer, AskHooks, AskOptions } from "./api.ts";
import { generate } from "./generate.ts";
import { prefill, type EmbqTrace, type PictureFeatures } from "./prefill.ts";
import { promptPositions, tokenizePrompt } from "./prompt.ts";

/** A context grows in steps of this many positions, and only when a question needs it: its memory is the KV cache's. */
const CONTEXT_STEP = 256;
const DEFAULT_MAX_TOKENS = 512;

export interface ConversationOptions {
  readonly language: LanguageModel;
  readonly embq: EmbqSession;
  readonly geometry: ModelGeometry;
  /** Where the prompt's beginning is kept from one run to the next. @default nowhere */
  readonly promptCache?: PromptCache | undefined;
}

/**
 * One llama.cpp context and what it holds: the prompt's beginning, which is the same for every picture, and the prefix of
 * the last picture, for the next question about it.
 */
export class Conversation {
  readonly #options: ConversationOptions;
  #context: NativeContext | undefined;
  /** whether the context begins with the positions of `system` */
  #begun = false;
  /** the picture whose prefix the context holds, and that prefix's positions */
  #held: { readonly picture: number; readonly positions: number } | undefined;
  #prefixPrefills = 0;

  constructor(options: ConversationOptions) {
    this.#options = options;
  }

  /** How often a picture's prefix was computed. */
  get prefixPrefills(): number {
    return this.#prefixPrefills;
  }

  /**
   * @param id stands for the picture among those this conversation has seen
   * @throws `usage` for a blank question, `question-too-long`
   */
  async ask(
    id: number,
    picture: PictureFeatures,
    options: AskOptions,
    hooks: AskHooks & { readonly onEmbq?: ((trace: EmbqTrace) => void) | undefined } = {},
  ): Promise<Answer> {
    const { language, embq, geometry } = this.#options;
    const { maxTokens = DEFAULT_MAX_TOKENS, timeoutMs } = options;
    const start = performance.now();
    const tokens = tokenizePrompt(language, options.question);
    const visualTokens = picture.visualTokens.length / geometry.hiddenSize;
    const prompt = promptPositions(tokens, geometry, visualTokens);
    // llama.cpp computes beyond the trained context too: good enough for timing what compression saves
    const compressed = visualTokens < picture.features.length / geometry.featureWidth;
    const limit = compressed ? geometry.contextLength : prompt + maxTokens;
    if (prompt >= limit) {
      const most = limit - 1 - (prompt - tokens.question.length);
      throw new FlashSlothError(
        "question-too-long",
        `the question is ${tokens.question.length} tokens long, and this model has room for ${most}`,
        { hint: "ask a shorter question" },
      );
    }
    const context = this.#contextFor(Math.min(prompt + maxTokens, limit));
    const held = this.#held?.picture === id ? this.#held.positions : undefined;
    this.#held = undefined;
    const reusedPositions = held ?? (await this.#begin(context, tokens.system));
    const prefilled = await prefill({
      language,
      embq: options.embq === false ? undefined : embq,
      geometry,
      context,
      tokens,
      picture,
      holdsPicture: held !== undefined,
      onEmbq: hooks.onEmbq,
    });
    if (held === undefined) this.#prefixPrefills++;
    this.#held = { picture: id, positions: prefilled.prefix };
    const prefilledAt = performance.now();

    const sampler = language.createSampler({
      temperature: options.temperature,
      topP: options.topP,
      seed: options.seed,
    });
    try {
      const generated = await generate({
        language,
        context,
        sampler,
        maxTokens,
        ignoreEnd: options.ignoreEnd,
        deadline: timeoutMs === undefined ? undefined : start + timeoutMs,
        signal: hooks.signal,
        onText: hooks.onText,
      });
      return {
        text: generated.text,
        finish: generated.finish,
        tokens: {
          image: visualTokens,
          prompt,
          answer: generated.ids.length,
          question: tokens.question.length - 1,
        },
        reusedPositions,
        ids: generated.ids,
        ms: {
          wait: 0,
          prefill: prefilledAt - start,
          embq: prefilled.embqMs,
          firstToken: generated.firstTokenMs,
          decode: generated.decodeMs,
        },
      };
    } finally {
      sampler.dispose();
    }
  }

  /** A copy of the logits that the last answer ended on: float32 [vocabulary]. */
  logits(): Float32Array {
    if (this.#context === undefined) throw new FlashSlothError("internal", "nothing was asked yet");
    return this.#context.logits();
  }

  async dispose(): Promise<void> {
    this.#forget();
    await this.#options.promptCache?.written;
  }

  #forget(): void {
    this.#context?.dispose();
    this.#context = undefined;
    this.#held = undefined;
    this.#begun = false;
  }

  /**
   * Sees to it that the context begins with the positions of `system`, which are the same for every picture and question:
   * a quarter of a short prompt.
   * @returns how many of them did not have to be computed
   */
  async #begin(context: NativeContext, system: readonly number[]): Promise<number> {
    if (this.#begun) return system.length;
    const { language, promptCache } = this.#options;
    const kept = await promptCache?.read();
    const restored = kept !== undefined && context.restore(kept) && context.length === system.length;
    if (!restored) {
      context.truncate(0);
      context.decode({ input: { rows: await language.embed(system) } });
      if (promptCache !== undefined) promptCache.write(context.save());
    }
    this.#begun = true;
    return restored ? system.length : 0;
  }

  #contextFor(positions: number): NativeContext {
    if (this.#context !== undefined && this.#context.contextTokens >= positions) return this.#context;
    this.#forget();
    const rounded = Math.ceil(positions / CONTEXT_STEP) * CONTEXT_STEP;
    this.#context = this.#options.language.createContext(rounded);
    return this.#context;
  }
}
