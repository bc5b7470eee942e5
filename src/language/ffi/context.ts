import koffi from "koffi";
import { FlashSlothError } from "../../core/errors.ts";
import { evalCallbackType, structType } from "./abi.ts";
import type { Pointer } from "./functions.ts";
import type { NativeModel } from "./model.ts";

/** One graph's rows of the tapped node: float32 [rows, width], readable and writable while the graph waits. */
export interface TappedRows {
  readonly rows: number;
  readonly width: number;
  /** Copies `count` rows from `first` on. */
  read(first: number, count: number): Float32Array;
  /** Replaces rows from `first` on; later layers use what was written. */
  write(first: number, values: Float32Array): void;
}

/** Called once for each graph that computes the node. Returning false ends that graph there. */
export type Tap = (rows: TappedRows) => boolean;

export interface NativeContextOptions {
  readonly model: NativeModel;
  /** Positions that the KV cache holds. */
  readonly contextTokens: number;
  /** Most positions computed in one graph. */
  readonly batchTokens: number;
  readonly threads: number;
  /** Graph node that `decode`'s `tap` sees, such as `l_out-6`. @default none: no callback at all */
  readonly tapNode?: string | undefined;
}

export interface DecodeOptions {
  /** Token ids, or rows of the hidden size, float32 [n, hidden]. They continue at the first free position. */
  readonly input: { readonly tokens: readonly number[] } | { readonly rows: Float32Array };
  /** Whether the last position's logits are wanted. @default false */
  readonly logits?: boolean;
  /** Sees the tapped node. @default none */
  readonly tap?: Tap | undefined;
}

/** Owns a `llama_context`: one sequence's KV cache and the graphs that extend it. */
export class NativeContext {
  readonly contextTokens: number;
  readonly batchTokens: number;
  readonly #model: NativeModel;
  readonly #memory: Pointer;
  readonly #callback: Pointer | undefined;
  #pointer: Pointer | undefined;
  #tap: Tap | undefined;
  #tapError: unknown;

  /** @throws `native` when llama.cpp cannot make the context (memory, as a rule) */
  constructor(options: NativeContextOptions) {
    const { model, contextTokens, batchTokens, threads, tapNode } = options;
    const { functions } = model.library;
    this.#model = model;
    this.contextTokens = contextTokens;
    this.batchTokens = batchTokens;
    this.#callback = tapNode === undefined ? undefined : this.#register(tapNode);
    // Flash attention stays on where llama.cpp supports it: on two cores it takes 6 % off the prefill of 133 positions and
    // adds 7 % to a generated token, which pays up to answers of some 45. It rules out no cache type that works: a head's 80
    // values do not fit the quantised types' blocks of 32.
    const pointer = functions.llama_init_from_model(model.pointer, {
      ...functions.llama_context_default_params(),
      n_ctx: contextTokens,
      n_batch: batchTokens,
      n_ubatch: batchTokens,
      n_seq_max: 1,
      n_outputs_max: 1,
      n_threads: threads,
      n_threads_batch: threads,
      cb_eval: this.#callback ?? null,
      no_perf: true,
    });
    if (pointer === null) {
      this.#unregister();
      throw new FlashSlothError(
        "native",
        `llama.cpp could not make a context of ${contextTokens} positions`,
        {
          hint: "close other programs to free memory, or run with FLASHSLOTH_NATIVE_LOG=1 to see why",
        },
      );
    }
    this.#pointer = pointer;
    this.#memory = functions.llama_get_memory(pointer);
  }

  get #alive(): Pointer {
    if (this.#pointer === undefined)
      throw new FlashSlothError("internal", "the language context is disposed");
    return this.#pointer;
  }

  /** Positions in the KV cache. */
  get length(): number {
    void this.#alive;
    return this.#model.library.functions.llama_memory_seq_pos_max(this.#memory, 0) + 1;
  }

  /** Forgets every position from `length` on. */
  truncate(length: number): void {
    void this.#alive;
    this.#model.library.functions.llama_memory_seq_rm(this.#memory, 0, length, -1);
  }

  /** The KV cache's positions as llama.cpp writes them down, for a context of the same model, release and backend. */
  save(): Uint8Array {
    const { functions } = this.#model.library;
    const state = new Uint8Array(functions.llama_state_seq_get_size(this.#alive, 0));
    const written = functions.llama_state_seq_get_data(this.#alive, state, state.length, 0);
    if (written !== state.length) throw new FlashSlothError("internal", "the KV cache could not be copied");
    return state;
  }

  /** Puts what `save` gave in place of all positions. @returns false when it does not fit: the cache is then empty */
  restore(state: Uint8Array): boolean {
    this.truncate(0);
    const { functions } = this.#model.library;
    if (functions.llama_state_seq_set_data(this.#alive, state, state.length, 0) === state.length) return true;
    this.truncate(0);
    return false;
  }

  /** @throws `internal` when llama.cpp fails or the cache is full; whatever the tap threw */
  decode(options: DecodeOptions): void {
    const { input, logits = false, tap } = options;
    const rows = "rows" in input ? input.rows : null;
    const tokens = "tokens" in input ? Int32Array.from(input.tokens) : null;
    const count = tokens?.length ?? (rows?.length ?? 0) / this.#model.hiddenSize;
    if (count === 0) return;
    // one flag a position: only the last one's logits are computed, if any
    const wanted = new Int8Array(count);
    wanted[count - 1] = logits ? 1 : 0;
    this.#tap = tap;
    this.#tapError = undefined;
    let status: number;
    try {
      status = this.#model.library.functions.llama_decode(this.#alive, {
        n_tokens: count,
        token: tokens,
        embd: rows,
        pos: null,
        n_seq_id: null,
        seq_id: null,
        logits: wanted,
      });
    } finally {
      this.#tap = undefined;
    }
    if (this.#tapError !== undefined) throw this.#tapError;
    if (status !== 0) {
      const reason = status === 1 ? "the KV cache is full" : `llama.cpp returned ${status}`;
      throw new FlashSlothError("internal", `${count} positions could not be computed: ${reason}`);
    }
  }

  /** A copy of the logits of the last `decode` that asked for them: float32 [vocabulary]. */
  logits(): Float32Array {
    const pointer = this.#model.library.functions.llama_get_logits_ith(this.#alive, -1);
    if (pointer === null) throw new FlashSlothError("internal", "no logits were computed");
    const { vocabSize } = this.#model;
    return new Float32Array(koffi.view(pointer, vocabSize * 4)).slice();
  }

  /** For the sampler of this folder only. */
  get pointer(): Pointer {
    return this.#alive;
  }

  dispose(): void {
    if (this.#pointer === undefined) return;
    this.#model.library.functions.llama_free(this.#pointer);
    this.#pointer = undefined;
    this.#unregister();
  }

  #unregister(): void {
    if (this.#callback !== undefined) koffi.unregister(this.#callback);
  }

  /** llama.cpp asks about every node of a graph, then hands over the wanted one before anything reads it. */
  #register(node: string): Pointer {
    const nameOffset = BigInt(koffi.offsetof(structType("ggml_tensor"), "name"));
    return koffi.register((tensor: Pointer, ask: boolean): boolean => {
      const tap = this.#tap;
      if (tap === undefined) return false;
      if (ask) return koffi.decode.string(tensor + nameOffset) === node;
      try {
        return tap(this.#rowsOf(tensor));
      } catch (error) {
        this.#tapError = error;
        return false;
      }
    }, koffi.pointer(evalCallbackType()));
  }

  #rowsOf(tensor: Pointer): TappedRows {
    const { functions } = this.#model.library;
    const sizes = koffi.decode(
      tensor + BigInt(koffi.offsetof(structType("ggml_tensor"), "ne")),
      "int64_t",
      2,
    ) as ArrayLike<number | bigint>;
    const width = Number(sizes[0]);
    const rows = Number(sizes[1]);
    const checkRange = (first: number, count: number): void => {
      if (first < 0 || first + count > rows) {
        throw new FlashSlothError("internal", `rows ${first}..${first + count} of a tap on ${rows} rows`);
      }
    };
    return {
      rows,
      width,
      read: (first, count) => {
        checkRange(first, count);
        const values = new Float32Array(count * width);
        functions.ggml_backend_tensor_get(tensor, values, first * width * 4, values.byteLength);
        return values;
      },
      write: (first, values) => {
        checkRange(first, values.length / width);
        functions.ggml_backend_tensor_set(tensor, values, first * width * 4, values.byteLength);
      },
    };
  }
}
