import { setImmediate } from "node:timers/promises";
import type { PromptCache } from "../caches/prompts.ts";
import { FlashSlothError } from "../core/errors.ts";
import type { ModelGeometry } from "../core/model/manifest.ts";
import type { EmbqSession } from "../vision/embq.ts";
import type { NativeContext } from "../language/ffi/context.ts";
import type { LanguageModel } from "../language/language-model.ts";
import type { Answer, AskHooks, AskOptions } from "./api.ts";
import { contextCapacity, rowTile, usesFlashAttention, type Capacity, type RowTile } from "./capacity.ts";
import { requireWhole, Schemas } from "./constraint/schemas.ts";
import { ChoiceScoring } from "./constraint/scoring.ts";
import type { Continuation } from "./continuation.ts";
import { EmbqTap, type EmbqTrace } from "./embq-tap.ts";
import { Generation } from "./generation.ts";
import { KEPT_PICTURES } from "./kept.ts";
import { PrefixStore, type PrefixStoreOptions } from "./prefix-store.ts";
import { KvCache, type SequenceStore } from "./kv-cache.ts";
import { Prompt, SYSTEM_TEXT, tokenizePrompt, type PictureFeatures } from "./prompt.ts";
import { Sampling } from "./sampling.ts";
import { Scheduler, type SchedulerCounters } from "./scheduler.ts";
import { Sequence } from "./sequence.ts";
import { checkTopTokens } from "./token-logprobs.ts";

const DEFAULT_MAX_TOKENS = 512;

export interface LanguageSideOptions {
  readonly language: LanguageModel;
  readonly embq: EmbqSession;
  readonly geometry: ModelGeometry;
  /** questions at work at once */
  readonly parallel: number;
  /** positions of the longest prompt and answer. @default the model's context */
  readonly positions?: number | undefined;
  /** most rows of a batch. @default 512 */
  readonly batchRows?: number | undefined;
  /** In which rows are computed. @default the device's, if it has one */
  readonly tile?: RowTile | undefined;
  /** Where the prompt's beginning is kept from one run to the next. @default nowhere */
  readonly promptCache?: PromptCache | undefined;
  /** Where pictures' prefixes are kept from one run to the next. @default nowhere */
  readonly prefixes?: Pick<PrefixStoreOptions, "cache" | "writes"> | undefined;
  /** Stands between the scheduler and llama.cpp, in tests. @default nothing does */
  readonly wrapStore?: ((context: NativeContext) => SequenceStore) | undefined;
}

/** What a caller in the same thread can watch. */
export interface Observers {
  /** EmbQ's arrays. @default nobody */
  readonly onEmbq?: ((trace: EmbqTrace) => void) | undefined;
  /**
   * A copy of the logits after the prompt (`step` 0) and after each token: float32 [vocabulary].
   * @default nobody
   */
  readonly onLogits?: ((logits: Float32Array, step: number) => void) | undefined;
}

/** The language model, its one context, and the scheduler over it: questions about encoded pictures in, answers out. */
export class LanguageSide {
  readonly #options: LanguageSideOptions;
  readonly #capacity: Capacity;
  readonly #context: NativeContext;
  readonly #cache: KvCache;
  readonly #scheduler: Scheduler;
  readonly #prefixes: PrefixStore | undefined;
  readonly #schemas = new Schemas();
  /** pictures whose prefixes are about to be kept */
  readonly #remembering = new Map<number, Promise<void>>();

  /** @throws `native` when llama.cpp cannot make the context */
  constructor(options: LanguageSideOptions) {
    const { language, parallel, wrapStore = (context) => context } = options;
    this.#options = options;
    this.#capacity = contextCapacity(options);
    const flashAttention = usesFlashAttention(options.geometry, language.device.device);
    this.#context = language.createContext({ ...this.#capacity, flashAttention });
    // whoever takes turns at asking finds what they said before; and what is about to be copied to the disk is still there
    const mostIdle = Math.max(KEPT_PICTURES, parallel);
    this.#cache = new KvCache(wrapStore(this.#context), { mostIdle });
    const { prefixes } = options;
    this.#prefixes = prefixes && new PrefixStore({ ...prefixes, kv: this.#cache });
    const { batchRows, outputs } = this.#capacity;
    this.#scheduler = new Scheduler({
      cache: this.#cache,
      parallel,
      batchRows,
      outputs,
      tile: options.tile ?? rowTile(options.geometry, language.device),
      begin: async () => this.#begin(),
    });
  }

  get counters(): SchedulerCounters & { readonly prefixesRead: number } {
    return { ...this.#scheduler.counters, prefixesRead: this.#prefixes?.read ?? 0 };
  }

  /**
   * @param id stands for the picture among those the engine has seen, from 1 on
   * @throws `usage` for a blank question or unfit choices, `question-too-long`; `interrupted` when it was disposed meanwhile
   */
  async ask(
    id: number,
    picture: PictureFeatures,
    options: AskOptions,
    hooks: AskHooks & Observers = {},
  ): Promise<Answer> {
    const { language, embq: session, geometry } = this.#options;
    const start = performance.now();
    const { question, history = [] } = options;
    checkStops(options);
    checkTopTokens(options.logprobs);
    const tokens = tokenizePrompt(language, question, history);
    const { visualTokens, features } = picture;
    const embq = options.embq !== false;
    const afresh = options.explain !== undefined && options.explain.layer !== "sap";
    const prompt = new Prompt({ language, geometry, tokens, picture: id, visualTokens, embq, afresh });
    const limit = this.#options.positions ?? geometry.contextLength;
    if (prompt.length >= limit) throw tooLong(prompt, limit);
    const { constraint } = options;
    const schema =
      constraint?.kind === "schema" ? await this.#schemas.compiled(constraint.schema) : undefined;
    const { onEmbq, onLogits } = hooks;
    const width = geometry.hiddenSize;
    const sequence = new Sequence({
      picture: id,
      prompt,
      continuation: this.#continuation(options, limit - prompt.length, hooks, schema?.grammar),
      embq: embq ? new EmbqTap({ session, groups: prompt.groups, features, width, onEmbq }) : undefined,
      embed: (ids) => language.embed(ids),
      tokens: { image: visualTokens.length / width, question: questionLength(prompt) },
      keep: options.keep,
      deadline: options.timeoutMs === undefined ? undefined : start + options.timeoutMs,
      hooks,
      onLogits: onLogits && ((row, step) => onLogits(this.#context.logits(row), step)),
    });
    const { key } = picture;
    if (key !== undefined) await this.#prefixes?.recall(id, prompt, key);
    const answer = await this.#scheduler.ask(sequence);
    if (key !== undefined && this.#prefixes !== undefined) this.#rememberLater(id, prompt, key);
    if (schema !== undefined) requireWhole(answer, schema);
    return answer;
  }

  /** Forgets what the KV cache holds of a picture. */
  async release(id: number): Promise<void> {
    await this.#remembering.get(id);
    this.#prefixes?.release(id);
    this.#scheduler.release(id);
  }

  /** Rejects what is not answered yet, and frees the context. */
  async dispose(): Promise<void> {
    await this.#scheduler.dispose();
    await Promise.all(this.#remembering.values());
    this.#context.dispose();
    await this.#prefixes?.written;
    await this.#options.promptCache?.written;
  }

  /** Copying a prefix takes tens of milliseconds, which the answer does not wait for. */
  #rememberLater(id: number, prompt: Prompt, key: string): void {
    if (this.#remembering.has(id)) return;
    const remembered = setImmediate().then(() => this.#prefixes?.remember(prompt, key));
    this.#remembering.set(
      id,
      remembered.catch(() => {}).finally(() => this.#remembering.delete(id)),
    );
  }

  /** @param room positions that are left after the prompt */
  #continuation(
    options: AskOptions,
    room: number,
    { onText }: AskHooks,
    grammar: string | undefined,
  ): Continuation {
    const { language } = this.#options;
    const { constraint, maxTokens = DEFAULT_MAX_TOKENS, temperature, topP, seed, ignoreEnd } = options;
    const { stop, logprobs } = options;
    const context = this.#context;
    if (constraint?.kind === "choices") {
      return new ChoiceScoring({ constraint, language, context, room, onText });
    }
    const sampler = language.createSampler({ temperature, topP, seed });
    return new Generation({
      language,
      sampling: new Sampling({
        context,
        sampler,
        grammar: grammar === undefined ? undefined : language.createGrammar(grammar),
      }),
      // the last token of all need not be computed
      maxTokens: Math.min(maxTokens, room + 1),
      // what a grammar has brought to its end cannot go on
      ignoreEnd: grammar === undefined && ignoreEnd,
      // what a grammar wants may be the same many times over, and cut off it is worth nothing
      mayRepeat: grammar !== undefined || ignoreEnd,
      stop,
      logprobs: logprobs === undefined ? undefined : { top: logprobs, logits: (row) => context.logits(row) },
      onText,
    });
  }

  /**
   * Sees to it that some sequence holds the positions of `system`, which are the same for every picture and question: a
   * quarter of a short prompt.
   * @returns how many of them had to be computed
   */
  async #begin(): Promise<number> {
    const { language, promptCache } = this.#options;
    const keys = Int32Array.from(language.tokenize(SYSTEM_TEXT));
    const kept = await promptCache?.read();
    const sequence = this.#cache.open({ pinned: true });
    if (sequence === undefined) throw new FlashSlothError("internal", "the KV cache is in use already");
    if (kept !== undefined && this.#cache.restore(sequence, kept, keys)) {
      this.#cache.rest(sequence);
      return 0;
    }
    try {
      const { batchRows } = this.#capacity;
      for (let from = 0; from < keys.length; from += batchRows) {
        const part = keys.subarray(from, from + batchRows);
        const rows = language.embed([...part]);
        if (!this.#cache.decode({ runs: [{ sequence, rows, logits: "none" }] }, [part])) {
          throw new FlashSlothError("internal", "the KV cache is too small for the beginning of a prompt");
        }
      }
    } catch (error) {
      this.#cache.close(sequence);
      throw error;
    }
    this.#cache.rest(sequence);
    if (promptCache !== undefined) promptCache.write(this.#cache.save(sequence));
    return keys.length;
  }
}

/** Positions of the last question that EmbQ reads. */
function questionLength({ groups }: Prompt): number {
  const group = groups.at(-1);
  return group === undefined ? 0 : group.queriesFrom - group.textFrom;
}

/** @throws `usage` */
function checkStops({ stop = [], constraint }: AskOptions): void {
  if (stop.includes("")) throw new FlashSlothError("usage", "a string to stop at is empty");
  if (stop.length === 0 || constraint === undefined) return;
  const what = constraint.kind === "schema" ? "an answer by a schema" : "a choice";
  throw new FlashSlothError("usage", `${what} is whole, or it is none: nothing can stop it earlier`);
}

function tooLong(prompt: Prompt, limit: number): FlashSlothError {
  const [, later] = prompt.groups;
  if (later !== undefined) {
    const { textFrom } = prompt.groups.at(-1) ?? later;
    const needed = prompt.length - textFrom;
    const left = Math.max(0, limit - 1 - textFrom);
    return new FlashSlothError(
      "question-too-long",
      `the question needs ${needed} positions, and the conversation has left ${left} of this model's ${limit}`,
      { hint: "begin a new conversation" },
    );
  }
  const length = questionLength(prompt) + 1;
  const most = limit - 1 - (prompt.length - length);
  return new FlashSlothError(
    "question-too-long",
    `the question is ${length} tokens long, and this model has room for ${most}`,
    { hint: "ask a shorter question" },
  );
}
