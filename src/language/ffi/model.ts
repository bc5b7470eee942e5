import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { builtModule } from "../../core/built-module.ts";
import { FlashSlothError } from "../../core/errors.ts";
import { LOAD_MODE } from "./abi.ts";
import type { LlamaLibrary } from "./library.ts";
import type { Pointer } from "./functions.ts";
import type { LoadReply, LoadRequest } from "./load-thread.ts";

export interface NativeModelOptions {
  readonly library: LlamaLibrary;
  /** A GGUF file. */
  readonly path: string;
  /** Layers put on the GPU: 0 for none, -1 for all. @default 0 */
  readonly gpuLayers?: number;
}

/** Owns a `llama_model`: weights and vocabulary. Contexts made from it must be disposed before it. */
export class NativeModel {
  readonly library: LlamaLibrary;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly vocabSize: number;
  /** positions that it was trained on */
  readonly contextLength: number;
  readonly #vocab: Pointer;
  #pointer: Pointer | undefined;

  private constructor(library: LlamaLibrary, pointer: Pointer) {
    const { functions } = library;
    this.library = library;
    this.#pointer = pointer;
    this.#vocab = functions.llama_model_get_vocab(pointer);
    this.hiddenSize = functions.llama_model_n_embd(pointer);
    this.layers = functions.llama_model_n_layer(pointer);
    this.contextLength = functions.llama_model_n_ctx_train(pointer);
    this.vocabSize = functions.llama_vocab_n_tokens(this.#vocab);
  }

  /**
   * Reads the file on a thread of its own: this one stays free.
   * @throws `model-invalid` when llama.cpp refuses the file; `device` when it cannot put it on a GPU
   */
  static async load(options: NativeModelOptions): Promise<NativeModel> {
    const { library, path, gpuLayers = 0 } = options;
    const pointer = await loadOnThread({
      files: library.files,
      path,
      // reading without a map costs a second of every cold start
      params: { n_gpu_layers: gpuLayers, load_mode: LOAD_MODE.mmap },
      onCpu: gpuLayers === 0,
    });
    if (pointer === null && gpuLayers !== 0) {
      throw new FlashSlothError("device", `llama.cpp cannot load the model on ${library.backend}`, {
        hint: "use --language-device cpu; FLASHSLOTH_NATIVE_LOG=1 says why",
      });
    }
    if (pointer === null) {
      throw new FlashSlothError("model-invalid", `llama.cpp cannot load ${path}`, {
        hint: "run the command again with FLASHSLOTH_NATIVE_LOG=1 to see why; a damaged file must be converted anew",
      });
    }
    return new NativeModel(library, pointer);
  }

  /** For the handles of this folder only. */
  get pointer(): Pointer {
    if (this.#pointer === undefined) throw new FlashSlothError("internal", "the language model is disposed");
    return this.#pointer;
  }

  /** For the handles of this folder only; valid as long as the model is. */
  get vocab(): Pointer {
    void this.pointer;
    return this.#vocab;
  }

  /** Token ids of plain text: no token is added, and no special token is recognised in it. */
  tokenize(text: string): number[] {
    const { functions } = this.library;
    const bytes = new TextEncoder().encode(text);
    if (bytes.length === 0) return [];
    const tokens = new Int32Array(bytes.length);
    const count = functions.llama_tokenize(
      this.#vocab,
      bytes,
      bytes.length,
      tokens,
      tokens.length,
      false,
      false,
    );
    if (count < 0)
      throw new FlashSlothError("internal", `llama.cpp could not tokenise ${bytes.length} bytes`);
    return Array.from(tokens.subarray(0, count));
  }

  /** The bytes that a token stands for; none for a special token. A character may be split over tokens. */
  tokenBytes(token: number): Uint8Array {
    const { functions } = this.library;
    let buffer = new Uint8Array(64);
    let length = functions.llama_token_to_piece(this.#vocab, token, buffer, buffer.length, 0, false);
    if (length < 0) {
      buffer = new Uint8Array(-length);
      length = functions.llama_token_to_piece(this.#vocab, token, buffer, buffer.length, 0, false);
    }
    return buffer.subarray(0, Math.max(0, length));
  }

  endsGeneration(token: number): boolean {
    return this.library.functions.llama_vocab_is_eog(this.#vocab, token);
  }

  dispose(): void {
    if (this.#pointer === undefined) return;
    this.library.functions.llama_model_free(this.#pointer);
    this.#pointer = undefined;
  }
}

/** The thread's own heap holds a few objects; V8 would give it megabytes. */
const THREAD_LIMITS = { maxYoungGenerationSizeMb: 1 };

async function loadOnThread(request: LoadRequest): Promise<LoadReply> {
  const thread = new Worker(builtModule("./load-thread.js", import.meta.url), {
    workerData: request,
    resourceLimits: THREAD_LIMITS,
  });
  const [reply] = (await once(thread, "message")) as [LoadReply];
  return reply;
}
