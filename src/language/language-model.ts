import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Backend } from "../core/model/device.ts";
import { toFloat32 } from "../core/model/dtype.ts";
import { asFlashSlothError, FlashSlothError } from "../core/errors.ts";
import type { Manifest, ModelGeometry } from "../core/model/manifest.ts";
import { openLanguageDevice, type LanguageDevice } from "./device.ts";
import { TokenEmbeddings } from "./embeddings.ts";
import { NativeContext, type NativeContextOptions } from "./ffi/context.ts";
import { NativeGrammar } from "./ffi/grammar.ts";
import { NativeModel } from "./ffi/model.ts";
import { NativeSampler, type SamplerOptions } from "./ffi/sampler.ts";

/** Texts whose tokens are kept, and how long they are at most: a template's parts, and what is asked about many pictures. */
const KEPT_TEXTS = 64;
const KEPT_TEXT_LENGTH = 4096;

export interface LanguageModelOptions {
  /** A converted model's folder and its manifest. */
  readonly directory: string;
  readonly manifest: Manifest;
  /** @default "cpu" */
  readonly backend?: Backend | undefined;
  readonly threads: number;
}

/** The Phi-2 language model: tokens, embedding rows, query vectors, and the contexts that run it. */
export class LanguageModel {
  readonly device: LanguageDevice;
  /** EmbQ's query vectors as they stand in the prompt: float32 [queries, hidden] */
  readonly queries: Float32Array;
  readonly #manifest: Manifest;
  readonly #model: NativeModel;
  readonly #embeddings: TokenEmbeddings;
  readonly #threads: number;
  readonly #tokenized = new Map<string, readonly number[]>();

  private constructor(
    device: LanguageDevice,
    queries: Float32Array,
    model: NativeModel,
    embeddings: TokenEmbeddings,
    options: LanguageModelOptions,
  ) {
    this.device = device;
    this.queries = queries;
    this.#model = model;
    this.#embeddings = embeddings;
    this.#manifest = options.manifest;
    this.#threads = options.threads;
  }

  /**
   * Resolves as soon as a thread reads the weights: what this thread does from then on, it does at the same time.
   * @throws `native`, `device`; `loaded` rejects with `model-invalid` when the files contradict the manifest
   */
  static async begin(options: LanguageModelOptions): Promise<{ readonly loaded: Promise<LanguageModel> }> {
    const { directory, manifest, backend = "cpu" } = options;
    const path = join(directory, manifest.roles.language);
    const device = await openLanguageDevice(backend);
    const model = NativeModel.load({ library: device.library, path, gpuLayers: device.gpuLayers });
    return { loaded: LanguageModel.#complete(options, device, path, model) };
  }

  static async #complete(
    options: LanguageModelOptions,
    device: LanguageDevice,
    path: string,
    loading: Promise<NativeModel>,
  ): Promise<LanguageModel> {
    const { geometry, roles, embeddings: table } = options.manifest;
    const count = geometry.queries * geometry.hiddenSize;
    const parts = await Promise.allSettled([
      loading,
      readQueries(join(options.directory, roles.queries), count),
      Promise.resolve({ ...table, path, rows: geometry.vocabSize, width: geometry.hiddenSize }).then(
        (place) => new TokenEmbeddings(place),
      ),
    ]);
    const [model, queries, embeddings] = parts;
    const lie = model.status === "fulfilled" ? contradiction(model.value, geometry) : undefined;
    if (
      model.status === "fulfilled" &&
      queries.status === "fulfilled" &&
      embeddings.status === "fulfilled" &&
      lie === undefined
    ) {
      return new LanguageModel(device, queries.value, model.value, embeddings.value, options);
    }
    if (model.status === "fulfilled") model.value.dispose();
    if (embeddings.status === "fulfilled") embeddings.value.close();
    if (lie === undefined) for (const part of parts) if (part.status === "rejected") throw part.reason;
    throw new FlashSlothError("model-invalid", `${path} ${lie}`, { hint: "convert or pull the model again" });
  }

  /** Token ids of plain text; special tokens are never recognised in it. */
  tokenize(text: string): readonly number[] {
    const kept = this.#tokenized.get(text);
    if (kept !== undefined) return kept;
    const ids = this.#model.tokenize(text);
    if (this.#tokenized.size === KEPT_TEXTS) this.#tokenized.clear();
    if (text.length <= KEPT_TEXT_LENGTH) this.#tokenized.set(text, ids);
    return ids;
  }

  tokenBytes(token: number): Uint8Array {
    return this.#model.tokenBytes(token);
  }

  /** ids that end an answer */
  get endTokens(): readonly number[] {
    return this.#manifest.geometry.endTokens;
  }

  endsAnswer(token: number): boolean {
    return this.endTokens.includes(token) || this.#model.endsGeneration(token);
  }

  /** Embedding rows of tokens: float32 [tokens, hidden] */
  embed(tokens: readonly number[]): Float32Array {
    return this.#embeddings.rows(tokens);
  }

  /** A context whose tap sees the hidden states that EmbQ reads: the output of the layer before its own. */
  createContext(options: Omit<NativeContextOptions, "model" | "threads" | "tapNode">): NativeContext {
    return new NativeContext({
      ...options,
      model: this.#model,
      threads: this.#threads,
      tapNode: `l_out-${this.#manifest.geometry.embqLayer - 1}`,
    });
  }

  /** Follows one answer through a grammar. @param grammar GBNF with a rule `root` */
  createGrammar(grammar: string): NativeGrammar {
    return new NativeGrammar({ model: this.#model, grammar });
  }

  createSampler(options: Omit<SamplerOptions, "library">): NativeSampler {
    return new NativeSampler({ ...options, library: this.device.library });
  }

  /** Frees the weights; every context and sampler must be disposed before. */
  async dispose(): Promise<void> {
    this.#model.dispose();
    this.#embeddings.close();
  }
}

/** Where a manifest says something else of the language model than its file; undefined where it does not. */
function contradiction(model: NativeModel, geometry: ModelGeometry): string | undefined {
  for (const key of ["hiddenSize", "layers", "vocabSize", "contextLength"] as const) {
    if (model[key] === geometry[key]) continue;
    return `has ${key} ${model[key]}, and the manifest beside it says ${geometry[key]}`;
  }
  const { layers, embqLayer } = geometry;
  if (embqLayer < layers) return undefined;
  return `has ${layers} layers, and the manifest beside it puts EmbQ before layer ${embqLayer}`;
}

async function readQueries(path: string, count: number): Promise<Float32Array> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw asFlashSlothError(error, "model-invalid", path);
  });
  if (bytes.byteLength !== count * 4) {
    throw new FlashSlothError("model-invalid", `${path} holds ${bytes.byteLength} bytes, not ${count * 4}`, {
      hint: "convert or pull the model again",
    });
  }
  return toFloat32(bytes, "F32");
}
