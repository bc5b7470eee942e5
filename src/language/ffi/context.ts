import koffi from "koffi";
import { FlashSlothError } from "../../core/errors.ts";
import { NativeBatch, type Run } from "./batch.ts";
import type { Pointer } from "./functions.ts";
import type { NativeModel } from "./model.ts";
import { LayerTap, type Tap } from "./tap.ts";

export type { Run } from "./batch.ts";
export type { Tap, TappedRows } from "./tap.ts";

/** `LLAMA_MAX_SEQ` (`src/llama-cparams.h`) */
export const MAX_SEQUENCES = 256;

/** `enum llama_flash_attn_type` (`include/llama.h`) */
const FLASH_ATTENTION = { auto: -1, disabled: 0 } as const;

/**
 * llama.cpp lays a graph's tensors out one after the other, in steps of 32 bytes, for the most outputs there can be. Behind an
 * odd number of such steps each row of every product would lie across two cache lines: on AMX a prompt of q4_0 weights then
 * takes 1.6 times as long.
 */
const OUTPUTS_ALIGNED = 16; // ids of 4 bytes in a cache line of 64

export interface NativeContextOptions {
  readonly model: NativeModel;
  /** Positions that the KV cache holds, of all sequences together; shared ones count once. */
  readonly cells: number;
  /** Most rows computed in one graph, and so in one `decode`. */
  readonly batchRows: number;
  /** Sequences are numbered from 0 to one less than this. @default 1 */
  readonly sequences?: number | undefined;
  /** Most rows of one `decode` whose logits are wanted. @default 1 */
  readonly outputs?: number | undefined;
  /** Where llama.cpp supports it. @default true */
  readonly flashAttention?: boolean | undefined;
  readonly threads: number;
  /** Graph node that `decode`'s `tap` sees, such as `l_out-6`. */
  readonly tapNode: string;
}

export interface DecodeOptions {
  /** In the batch's order; a sequence has one run at most. */
  readonly runs: readonly Run[];
  /** Sees the tapped node's rows, which are the runs' rows in order. @default none */
  readonly tap?: Tap | undefined;
}

/**
 * Owns a `llama_context`: one KV cache that sequences share (`kv_unified`), and the graphs that extend it. Copying a
 * sequence costs nothing, and a batch's rows are computed in their order.
 */
export class NativeContext {
  readonly cells: number;
  readonly batchRows: number;
  readonly outputs: number;
  readonly sequences: number;
  readonly #model: NativeModel;
  readonly #memory: Pointer;
  readonly #tap: LayerTap;
  readonly #batch: NativeBatch;
  #pointer: Pointer | undefined;

  /** @throws `native` when llama.cpp cannot make the context (memory, as a rule) */
  constructor(options: NativeContextOptions) {
    const { model, cells, batchRows, sequences = 1, outputs = 1, threads, tapNode } = options;
    const { flashAttention = true } = options;
    if (sequences > MAX_SEQUENCES) {
      throw new FlashSlothError("internal", `${sequences} sequences, more than llama.cpp's ${MAX_SEQUENCES}`);
    }
    const { functions } = model.library;
    this.#model = model;
    this.cells = cells;
    this.batchRows = batchRows;
    this.sequences = sequences;
    // the output buffer has room for a row of each sequence in any case
    this.outputs = Math.ceil(Math.max(outputs, sequences) / OUTPUTS_ALIGNED) * OUTPUTS_ALIGNED;
    this.#tap = new LayerTap(functions, tapNode);
    // On two cores flash attention takes 6 % off the prefill of 133 positions and adds 7 % to a generated token, which pays up
    // to answers of some 45. It rules out no cache type that works: a head's 80 values do not fit the quantised types' blocks
    // of 32.
    const pointer = functions.llama_init_from_model(model.pointer, {
      ...functions.llama_context_default_params(),
      n_ctx: cells,
      n_batch: batchRows,
      n_ubatch: batchRows,
      n_seq_max: sequences,
      n_outputs_max: this.outputs,
      n_outputs_max_per_seq: this.outputs,
      n_threads: threads,
      n_threads_batch: threads,
      flash_attn_type: flashAttention ? FLASH_ATTENTION.auto : FLASH_ATTENTION.disabled,
      cb_eval: this.#tap.callback,
      no_perf: true,
      kv_unified: true,
    });
    if (pointer === null) {
      this.#tap.dispose();
      throw new FlashSlothError("native", `llama.cpp could not make a context of ${cells} positions`, {
        hint: "close other programs to free memory, or run with FLASHSLOTH_NATIVE_LOG=1 to see why",
      });
    }
    this.#pointer = pointer;
    this.#memory = functions.llama_get_memory(pointer);
    this.#batch = new NativeBatch(batchRows, model.hiddenSize);
  }

  get #alive(): Pointer {
    if (this.#pointer === undefined)
      throw new FlashSlothError("internal", "the language context is disposed");
    return this.#pointer;
  }

  /** Positions of a sequence in the KV cache. */
  length(sequence: number): number {
    void this.#alive;
    return this.#model.library.functions.llama_memory_seq_pos_max(this.#memory, this.#known(sequence)) + 1;
  }

  /** Forgets every position of a sequence from `length` on; those that other sequences share stay with them. */
  truncate(sequence: number, length: number): void {
    void this.#alive;
    this.#model.library.functions.llama_memory_seq_rm(this.#memory, this.#known(sequence), length, -1);
  }

  /** Lets `to`, which must be empty, begin with the first `length` positions of `from`. */
  share(from: number, to: number, length: number): void {
    void this.#alive;
    if (this.length(to) > 0) throw new FlashSlothError("internal", `sequence ${to} is not empty`);
    this.#model.library.functions.llama_memory_seq_cp(this.#memory, this.#known(from), to, 0, length);
  }

  /** A sequence's positions as llama.cpp writes them down, for a context of the same model, release and backend. */
  save(sequence: number): Uint8Array {
    const { functions } = this.#model.library;
    const state = new Uint8Array(functions.llama_state_seq_get_size(this.#alive, this.#known(sequence)));
    const written = functions.llama_state_seq_get_data(this.#alive, state, state.length, sequence);
    if (written !== state.length) throw new FlashSlothError("internal", "the KV cache could not be copied");
    return state;
  }

  /** Puts what `save` gave in place of a sequence. @returns false when it does not fit: the sequence is then empty */
  restore(sequence: number, state: Uint8Array): boolean {
    this.truncate(sequence, 0);
    const { functions } = this.#model.library;
    const read = functions.llama_state_seq_set_data(this.#alive, state, state.length, sequence);
    if (read === state.length) return true;
    this.truncate(sequence, 0);
    return false;
  }

  /**
   * Computes rows in one graph.
   * @returns false when the cache has no room for them: nothing has changed then
   * @throws `native` when llama.cpp fails, and whatever the tap threw: what the runs' sequences hold from then on is
   *   unknown, and they must be truncated to 0
   */
  decode({ runs, tap }: DecodeOptions): boolean {
    const pointer = this.#alive;
    const lengths = runs.map(({ sequence }) => this.length(sequence));
    const batch = this.#batch.fill(runs, lengths);
    const wanted = runs.reduce((sum, { rows, logits }) => sum + outputsOf(rows, logits, this.#model), 0);
    if (wanted > this.outputs)
      throw new FlashSlothError("internal", `the logits of ${wanted} rows in one batch`);
    const status = this.#tap.during(tap, () => this.#model.library.functions.llama_decode(pointer, batch));
    if (status === 1) return false;
    if (status !== 0) {
      throw new FlashSlothError("native", `llama.cpp could not compute a batch (it returned ${status})`, {
        hint: "run the command again with FLASHSLOTH_NATIVE_LOG=1 to see why",
      });
    }
    return true;
  }

  /**
   * A copy of the logits of one row of the last `decode`: float32 [vocabulary].
   * @param row its place in the batch
   */
  logits(row: number): Float32Array {
    let copy = new Float32Array();
    this.changeLogits(row, (logits) => void (copy = logits.slice()));
    return copy;
  }

  /** Lets `change` alter the logits of one row of the last `decode` in place, before they are sampled. */
  changeLogits(row: number, change: (logits: Float32Array) => void): void {
    const pointer = this.#model.library.functions.llama_get_logits_ith(this.#alive, row);
    if (pointer === null) throw new FlashSlothError("internal", `no logits were computed for row ${row}`);
    change(new Float32Array(koffi.view(pointer, this.#model.vocabSize * 4)));
  }

  /** For the sampler of this folder only. */
  get pointer(): Pointer {
    return this.#alive;
  }

  dispose(): void {
    if (this.#pointer === undefined) return;
    this.#model.library.functions.llama_free(this.#pointer);
    this.#pointer = undefined;
    this.#tap.dispose();
    this.#batch.dispose();
  }

  #known(sequence: number): number {
    if (Number.isInteger(sequence) && sequence >= 0 && sequence < this.sequences) return sequence;
    throw new FlashSlothError("internal", `there is no sequence ${sequence} among ${this.sequences}`);
  }
}

function outputsOf(rows: Float32Array, logits: Run["logits"], model: NativeModel): number {
  if (logits === "none") return 0;
  return logits === "last" ? 1 : rows.length / model.hiddenSize;
}
