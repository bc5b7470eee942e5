import koffi from "koffi";
import { FlashSlothError } from "../../core/errors.ts";
import { evalCallbackType, structType } from "./abi.ts";
import type { LlamaFunctions, Pointer } from "./functions.ts";

/** One graph's rows of the tapped node: float32 [rows, width], readable and writable while the graph waits. */
export interface TappedRows {
  readonly rows: number;
  readonly width: number;
  /** Copies `count` rows from `first` on. */
  read(first: number, count: number): Float32Array;
  /** Replaces rows from `first` on; later layers use what was written. */
  write(first: number, values: Float32Array): void;
}

/** Called once for each graph that computes the node. */
export type Tap = (rows: TappedRows) => void;

/**
 * llama.cpp's door into a graph: `cb_eval` is asked about every node, then handed the wanted one before anything reads it
 * (`ggml/include/ggml-backend.h`, `ggml_backend_sched_eval_callback`).
 */
export class LayerTap {
  readonly callback: Pointer;
  readonly #functions: LlamaFunctions;
  #tap: Tap | undefined;
  #error: unknown;

  /** @param node the graph node's name, such as `l_out-6` */
  constructor(functions: LlamaFunctions, node: string) {
    this.#functions = functions;
    const nameOffset = BigInt(koffi.offsetof(structType("ggml_tensor"), "name"));
    this.callback = koffi.register((tensor: Pointer, ask: boolean): boolean => {
      if (this.#tap === undefined) return false;
      if (ask) return koffi.decode.string(tensor + nameOffset) === node;
      try {
        this.#tap(this.#rowsOf(tensor));
        return true;
      } catch (error) {
        this.#error = error;
        return false; // ends the graph here
      }
    }, koffi.pointer(evalCallbackType()));
  }

  /** Lets `tap` see the node while `compute` runs. @throws whatever the tap threw */
  during<T>(tap: Tap | undefined, compute: () => T): T {
    this.#tap = tap;
    this.#error = undefined;
    try {
      const result = compute();
      if (this.#error !== undefined) throw this.#error;
      return result;
    } finally {
      this.#tap = undefined;
    }
  }

  dispose(): void {
    koffi.unregister(this.callback);
  }

  #rowsOf(tensor: Pointer): TappedRows {
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
        this.#functions.ggml_backend_tensor_get(tensor, values, first * width * 4, values.byteLength);
        return values;
      },
      write: (first, values) => {
        checkRange(first, values.length / width);
        this.#functions.ggml_backend_tensor_set(tensor, values, first * width * 4, values.byteLength);
      },
    };
  }
}
