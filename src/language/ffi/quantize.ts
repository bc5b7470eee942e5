import type { Quant } from "../../core/model/variant.ts";
import { FTYPE, GGML_TYPE } from "./abi.ts";
import { onPool, type StructValue } from "./functions.ts";
import type { LlamaLibrary } from "./library.ts";

/** Rows of a tensor are taken in slabs of this many bytes, all buffers together; llama.cpp's own bound is 8 GiB. */
export const BUFFER_BYTES: number = 64 * 2 ** 20;

export interface NativeQuantizeOptions {
  readonly library: LlamaLibrary;
  /** A float16 GGUF file. */
  readonly from: string;
  /** The new file; an existing one is replaced. */
  readonly to: string;
  readonly quant: Quant;
  readonly threads: number;
}

/**
 * llama.cpp's `llama_model_quantize` with its own choice of type for every tensor, but the token embeddings, which stay
 * float16: the runtime reads single rows of them. It runs on a thread of its own and cannot be stopped.
 * @returns whether llama.cpp says that it succeeded; after a failed write it may say so wrongly
 */
export async function quantizeNatively(options: NativeQuantizeOptions): Promise<boolean> {
  const { library, from, to, quant, threads } = options;
  const { functions } = library;
  const params: StructValue = {
    ...functions.llama_model_quantize_default_params(),
    ftype: FTYPE[quant],
    nthread: threads,
    token_embedding_type: GGML_TYPE.F16,
    max_buf_size: BUFFER_BYTES,
  };
  return (await onPool(functions.llama_model_quantize, from, to, params)) === 0;
}
