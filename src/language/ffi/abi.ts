import koffi, { type TypeObject } from "koffi";
import type { Quant } from "../../core/model/variant.ts";

/**
 * The C structures that cross the border by value or are read in place, declared as in `include/llama.h`,
 * `ggml/include/ggml.h` and `gguf.h` of exactly this llama.cpp release. A test compiles a C program against the release's
 * own headers and compares every size and offset; a library of another release is refused at run time.
 */
export const LLAMA_RELEASE = "0.4.0";

/** Field name -> C type, in order. Pointers that we never look through are `void *`. */
type Fields = Readonly<Record<string, string>>;

/** `include/llama.h`: struct llama_model_params */
const MODEL_PARAMS: Fields = {
  devices: "void *",
  tensor_buft_overrides: "void *",
  n_gpu_layers: "int32_t",
  split_mode: "int",
  load_mode: "int",
  lazy_mode: "int",
  main_gpu: "int32_t",
  tensor_split: "void *",
  progress_callback: "void *",
  progress_callback_user_data: "void *",
  kv_overrides: "void *",
  vocab_only: "bool",
  check_tensors: "bool",
  use_extra_bufts: "bool",
  no_host: "bool",
  no_alloc: "bool",
  load_mtp: "bool",
};

/** `include/llama.h`: struct llama_context_params */
const CONTEXT_PARAMS: Fields = {
  n_ctx: "uint32_t",
  n_batch: "uint32_t",
  n_ubatch: "uint32_t",
  n_seq_max: "uint32_t",
  n_rs_seq: "uint32_t",
  n_outputs_max: "uint32_t",
  n_outputs_max_per_seq: "uint32_t",
  n_threads: "int32_t",
  n_threads_batch: "int32_t",
  ctx_type: "int",
  rope_scaling_type: "int",
  pooling_type: "int",
  attention_type: "int",
  flash_attn_type: "int",
  rope_freq_base: "float",
  rope_freq_scale: "float",
  yarn_ext_factor: "float",
  yarn_attn_factor: "float",
  yarn_beta_fast: "float",
  yarn_beta_slow: "float",
  yarn_orig_ctx: "uint32_t",
  defrag_thold: "float",
  cb_eval: "void *",
  cb_eval_user_data: "void *",
  type_k: "int",
  type_v: "int",
  abort_callback: "void *",
  abort_callback_data: "void *",
  embeddings: "bool",
  offload_kqv: "bool",
  no_perf: "bool",
  op_offload: "bool",
  swa_full: "bool",
  kv_unified: "bool",
  samplers: "void *",
  n_samplers: "size_t",
  ctx_other: "void *",
};

/** `include/llama.h`: struct llama_batch */
const BATCH: Fields = {
  n_tokens: "int32_t",
  token: "void *",
  embd: "void *",
  pos: "void *",
  n_seq_id: "void *",
  seq_id: "void *",
  logits: "void *",
};

/** `include/llama.h`: struct llama_model_quantize_params */
const QUANTIZE_PARAMS: Fields = {
  nthread: "int32_t",
  ftype: "int",
  output_tensor_type: "int",
  token_embedding_type: "int",
  allow_requantize: "bool",
  quantize_output_tensor: "bool",
  only_copy: "bool",
  pure: "bool",
  keep_split: "bool",
  dry_run: "bool",
  imatrix: "void *",
  kv_overrides: "void *",
  tt_overrides: "void *",
  prune_layers: "void *",
  max_buf_size: "size_t",
};

/** `include/llama.h`: struct llama_sampler_chain_params */
const SAMPLER_CHAIN_PARAMS: Fields = { no_perf: "bool" };

/** `ggml/include/gguf.h`: struct gguf_init_params */
const GGUF_INIT_PARAMS: Fields = { no_alloc: "bool", ctx: "void *" };

/** `include/llama.h`: struct llama_token_data */
const TOKEN_DATA: Fields = { id: "int32_t", logit: "float", p: "float" };

/** `include/llama.h`: struct llama_token_data_array */
const TOKEN_DATA_ARRAY: Fields = {
  data: "void *",
  size: "size_t",
  selected: "int64_t",
  sorted: "bool",
};

/** `ggml/include/ggml-backend.h`: struct ggml_backend_feature */
const BACKEND_FEATURE: Fields = { name: "const char *", value: "const char *" };

/** `ggml/include/ggml.h`: the head of struct ggml_tensor, up to its name */
const TENSOR: Readonly<Record<string, string | readonly [string, number]>> = {
  type: "int",
  buffer: "void *",
  ne: ["int64_t", 4],
  nb: ["size_t", 4],
  op: "int",
  op_params: ["int32_t", 16],
  flags: "int32_t",
  src: ["void *", 10],
  view_src: "void *",
  view_offs: "size_t",
  data: "void *",
  name: ["char", 64],
};

/** Every declared structure by its C name, as the layout test walks them. */
export const STRUCTS: Readonly<Record<string, Readonly<Record<string, string | readonly [string, number]>>>> =
  {
    llama_model_params: MODEL_PARAMS,
    llama_context_params: CONTEXT_PARAMS,
    llama_batch: BATCH,
    llama_model_quantize_params: QUANTIZE_PARAMS,
    llama_sampler_chain_params: SAMPLER_CHAIN_PARAMS,
    gguf_init_params: GGUF_INIT_PARAMS,
    llama_token_data: TOKEN_DATA,
    llama_token_data_array: TOKEN_DATA_ARRAY,
    ggml_backend_feature: BACKEND_FEATURE,
    ggml_tensor: TENSOR,
  };

const declared = new Map<string, TypeObject>();

/** The koffi type of one of `STRUCTS`; declared once a thread. */
export function structType(name: string): TypeObject {
  const known = declared.get(name);
  if (known !== undefined) return known;
  const fields = STRUCTS[name];
  if (fields === undefined) throw new TypeError(`no such structure: ${name}`);
  const members = Object.entries(fields).map(([field, type]) => [
    field,
    typeof type === "string" ? type : koffi.array(type[0], type[1]),
  ]);
  const type = koffi.struct(name, Object.fromEntries(members));
  declared.set(name, type);
  return type;
}

/** `ggml_backend_sched_eval_callback`: bool (tensor, ask, user data) */
let evalCallback: TypeObject | undefined;
export function evalCallbackType(): TypeObject {
  evalCallback ??= koffi.proto("bool flashsloth_eval_callback(void *tensor, bool ask, void *user_data)");
  return evalCallback;
}

/** `llama_progress_callback`: bool (share done, user data) */
let progressCallback: TypeObject | undefined;
export function progressCallbackType(): TypeObject {
  progressCallback ??= koffi.proto("bool flashsloth_progress_callback(float done, void *user_data)");
  return progressCallback;
}

/** `ggml_backend_get_features_t`: features (registration), whose last has no name */
let getFeatures: TypeObject | undefined;
export function getFeaturesType(): TypeObject {
  getFeatures ??= koffi.proto("void *flashsloth_get_features(void *registration)");
  return getFeatures;
}

/** enum llama_ftype, for the quantisations that we offer */
export const FTYPE: Readonly<Record<Quant, number>> = {
  f16: 1,
  q4_0: 2,
  q8_0: 7,
  q4_k_s: 14,
  q4_k_m: 15,
  q5_k_m: 17,
  iq4_nl: 25,
};
/** enum ggml_type, for the tensors of those */
export const GGML_TYPE = {
  F32: 0,
  F16: 1,
  Q4_0: 2,
  Q5_0: 6,
  Q5_1: 7,
  Q8_0: 8,
  Q4_K: 12,
  Q5_K: 13,
  Q6_K: 14,
  IQ4_NL: 20,
} as const;
/** As what a tensor is stored. */
export type StoredType = keyof typeof GGML_TYPE;
/** enum llama_load_mode */
export const LOAD_MODE: { readonly none: 0; readonly mmap: 1 } = { none: 0, mmap: 1 };
