import koffi, { type KoffiFunc, type LibraryHandle, type TypeObject } from "koffi";
import { structType } from "./abi.ts";

/** An address inside the native libraries. It never leaves this folder. */
export type Pointer = bigint;
/** A structure by value, as koffi hands it over. */
export type StructValue = Record<string, unknown>;

/** The part of llama.cpp's and ggml's C interface that we call, in JavaScript types. */
export interface LlamaFunctions {
  llama_version(): string;
  llama_backend_init(): void;
  llama_log_set(callback: Pointer | null, userData: null): void;
  ggml_log_set(callback: Pointer | null, userData: null): void;
  ggml_backend_load_all_from_path(directory: string): void;
  ggml_backend_dev_count(): number;
  ggml_backend_dev_get(index: number): Pointer;
  ggml_backend_dev_name(device: Pointer): string;
  ggml_backend_dev_description(device: Pointer): string;
  ggml_backend_dev_type(device: Pointer): number;
  ggml_backend_dev_backend_reg(device: Pointer): Pointer;
  ggml_backend_reg_get_proc_address(registration: Pointer, name: string): Pointer | null;
  ggml_backend_tensor_get(tensor: Pointer, data: Float32Array, offset: number, size: number): void;
  ggml_backend_tensor_set(tensor: Pointer, data: Float32Array, offset: number, size: number): void;

  llama_model_default_params(): StructValue;
  llama_model_load_from_file(path: string, params: StructValue): Pointer | null;
  llama_model_free(model: Pointer): void;
  llama_model_n_embd(model: Pointer): number;
  llama_model_n_layer(model: Pointer): number;
  llama_model_n_ctx_train(model: Pointer): number;
  llama_model_get_vocab(model: Pointer): Pointer;
  llama_vocab_n_tokens(vocab: Pointer): number;
  llama_vocab_is_eog(vocab: Pointer, token: number): boolean;
  llama_vocab_is_control(vocab: Pointer, token: number): boolean;
  llama_tokenize(
    vocab: Pointer,
    text: Uint8Array,
    length: number,
    tokens: Int32Array,
    capacity: number,
    addSpecial: boolean,
    parseSpecial: boolean,
  ): number;
  llama_token_to_piece(
    vocab: Pointer,
    token: number,
    buffer: Uint8Array,
    length: number,
    lstrip: number,
    special: boolean,
  ): number;

  llama_context_default_params(): StructValue;
  llama_init_from_model(model: Pointer, params: StructValue): Pointer | null;
  llama_free(context: Pointer): void;
  llama_get_memory(context: Pointer): Pointer;
  llama_memory_seq_rm(memory: Pointer, sequence: number, from: number, to: number): boolean;
  llama_memory_seq_cp(memory: Pointer, from: number, to: number, start: number, end: number): void;
  llama_memory_seq_pos_max(memory: Pointer, sequence: number): number;
  llama_state_seq_get_size(context: Pointer, sequence: number): number;
  llama_state_seq_get_data(context: Pointer, data: Uint8Array, size: number, sequence: number): number;
  llama_state_seq_set_data(context: Pointer, data: Uint8Array, size: number, sequence: number): number;
  llama_decode(context: Pointer, batch: StructValue): number;
  llama_get_logits_ith(context: Pointer, index: number): Pointer | null;

  llama_sampler_chain_default_params(): StructValue;
  llama_sampler_chain_init(params: StructValue): Pointer;
  llama_sampler_chain_add(chain: Pointer, sampler: Pointer): void;
  llama_sampler_init_greedy(): Pointer;
  llama_sampler_init_temp(temperature: number): Pointer;
  llama_sampler_init_top_p(p: number, minKeep: number): Pointer;
  llama_sampler_init_dist(seed: number): Pointer;
  llama_sampler_sample(sampler: Pointer, context: Pointer, index: number): number;
  llama_sampler_init_grammar(vocab: Pointer, grammar: string, root: string): Pointer | null;
  llama_sampler_apply(sampler: Pointer, candidates: StructValue): void;
  llama_sampler_accept(sampler: Pointer, token: number): void;
  llama_sampler_free(sampler: Pointer): void;

  llama_model_quantize_default_params(): StructValue;
  llama_model_quantize: KoffiFunc<(input: string, output: string, params: StructValue) => number>;
}

export type LibraryName = "ggmlBase" | "ggml" | "llama";

type Signature = readonly [library: LibraryName, result: string, parameters: readonly string[]];

/** Struct names in a signature are resolved by `structType`, everything else is koffi's own spelling. */
const SIGNATURES: Readonly<Record<keyof LlamaFunctions, Signature>> = {
  llama_version: ["llama", "const char *", []],
  llama_backend_init: ["llama", "void", []],
  llama_log_set: ["llama", "void", ["void *", "void *"]],
  ggml_log_set: ["ggmlBase", "void", ["void *", "void *"]],
  ggml_backend_load_all_from_path: ["ggml", "void", ["const char *"]],
  ggml_backend_dev_count: ["ggml", "size_t", []],
  ggml_backend_dev_get: ["ggml", "void *", ["size_t"]],
  ggml_backend_dev_name: ["ggmlBase", "const char *", ["void *"]],
  ggml_backend_dev_description: ["ggmlBase", "const char *", ["void *"]],
  ggml_backend_dev_type: ["ggmlBase", "int", ["void *"]],
  ggml_backend_dev_backend_reg: ["ggmlBase", "void *", ["void *"]],
  ggml_backend_reg_get_proc_address: ["ggmlBase", "void *", ["void *", "const char *"]],
  ggml_backend_tensor_get: ["ggmlBase", "void", ["void *", "_Out_ void *", "size_t", "size_t"]],
  ggml_backend_tensor_set: ["ggmlBase", "void", ["void *", "const void *", "size_t", "size_t"]],

  llama_model_default_params: ["llama", "llama_model_params", []],
  llama_model_load_from_file: ["llama", "void *", ["const char *", "llama_model_params"]],
  llama_model_free: ["llama", "void", ["void *"]],
  llama_model_n_embd: ["llama", "int32_t", ["void *"]],
  llama_model_n_layer: ["llama", "int32_t", ["void *"]],
  llama_model_n_ctx_train: ["llama", "int32_t", ["void *"]],
  llama_model_get_vocab: ["llama", "void *", ["void *"]],
  llama_vocab_n_tokens: ["llama", "int32_t", ["void *"]],
  llama_vocab_is_eog: ["llama", "bool", ["void *", "int32_t"]],
  llama_vocab_is_control: ["llama", "bool", ["void *", "int32_t"]],
  llama_tokenize: [
    "llama",
    "int32_t",
    ["void *", "const void *", "int32_t", "_Out_ int32_t *", "int32_t", "bool", "bool"],
  ],
  llama_token_to_piece: [
    "llama",
    "int32_t",
    ["void *", "int32_t", "_Out_ uint8_t *", "int32_t", "int32_t", "bool"],
  ],

  llama_context_default_params: ["llama", "llama_context_params", []],
  llama_init_from_model: ["llama", "void *", ["void *", "llama_context_params"]],
  llama_free: ["llama", "void", ["void *"]],
  llama_get_memory: ["llama", "void *", ["void *"]],
  llama_memory_seq_rm: ["llama", "bool", ["void *", "int32_t", "int32_t", "int32_t"]],
  llama_memory_seq_cp: ["llama", "void", ["void *", "int32_t", "int32_t", "int32_t", "int32_t"]],
  llama_memory_seq_pos_max: ["llama", "int32_t", ["void *", "int32_t"]],
  llama_state_seq_get_size: ["llama", "size_t", ["void *", "int32_t"]],
  llama_state_seq_get_data: ["llama", "size_t", ["void *", "_Out_ uint8_t *", "size_t", "int32_t"]],
  llama_state_seq_set_data: ["llama", "size_t", ["void *", "const void *", "size_t", "int32_t"]],
  llama_decode: ["llama", "int32_t", ["void *", "llama_batch"]],
  llama_get_logits_ith: ["llama", "void *", ["void *", "int32_t"]],

  llama_sampler_chain_default_params: ["llama", "llama_sampler_chain_params", []],
  llama_sampler_chain_init: ["llama", "void *", ["llama_sampler_chain_params"]],
  llama_sampler_chain_add: ["llama", "void", ["void *", "void *"]],
  llama_sampler_init_greedy: ["llama", "void *", []],
  llama_sampler_init_temp: ["llama", "void *", ["float"]],
  llama_sampler_init_top_p: ["llama", "void *", ["float", "size_t"]],
  llama_sampler_init_dist: ["llama", "void *", ["uint32_t"]],
  llama_sampler_sample: ["llama", "int32_t", ["void *", "void *", "int32_t"]],
  llama_sampler_init_grammar: ["llama", "void *", ["void *", "const char *", "const char *"]],
  llama_sampler_apply: ["llama", "void", ["void *", "llama_token_data_array *"]],
  llama_sampler_accept: ["llama", "void", ["void *", "int32_t"]],
  llama_sampler_free: ["llama", "void", ["void *"]],

  llama_model_quantize_default_params: ["llama", "llama_model_quantize_params", []],
  llama_model_quantize: [
    "llama",
    "uint32_t",
    ["const char *", "const char *", "llama_model_quantize_params *"],
  ],
};

/** Functions of ggml's base library by their C prototypes, for those whom few need. Throws what koffi throws when one is missing. */
export function bindPrototypes<Functions>(
  { ggmlBase }: Readonly<Record<"ggmlBase", string>>,
  prototypes: Readonly<Record<keyof Functions, string>>,
): Functions {
  const base = koffi.load(ggmlBase);
  const bound = Object.entries<string>(prototypes).map(([name, prototype]) => [name, base.func(prototype)]);
  return Object.fromEntries(bound) as Functions;
}

/** Calls a function on a thread of libuv's pool; its arguments must stay as they are until it is done. */
export async function onPool<Parameters extends unknown[], Result>(
  called: {
    readonly async: (...rest: [...Parameters, (error: unknown, result: Result) => void]) => void;
  },
  ...parameters: Parameters
): Promise<Result> {
  return await new Promise((done, fail) => {
    called.async(...parameters, (error, result) => {
      if (error instanceof Error) fail(error);
      else done(result);
    });
  });
}

const STRUCT_NAME = /^llama_\w+_params$|^llama_batch$/;

function resolve(type: string): TypeObject | string {
  return STRUCT_NAME.test(type) ? structType(type) : type;
}

/** Loads the libraries in the order in which they need each other; throws what koffi throws. */
export function openLibraries(
  files: Readonly<Record<LibraryName, string>>,
): Readonly<Record<LibraryName, LibraryHandle>> {
  const ggmlBase = koffi.load(files.ggmlBase);
  const ggml = koffi.load(files.ggml);
  return { ggmlBase, ggml, llama: koffi.load(files.llama) };
}

/** Binds every function of the interface; throws what koffi throws when one is missing. */
export function bindFunctions(libraries: Readonly<Record<LibraryName, LibraryHandle>>): LlamaFunctions {
  // a signature that takes a structure by its address names it as text, which koffi must know by then
  structType("llama_model_quantize_params");
  structType("llama_token_data_array");
  const bound = Object.entries(SIGNATURES).map(([name, [library, result, parameters]]) => [
    name,
    libraries[library].func(
      name,
      resolve(result),
      parameters.map((parameter) => resolve(parameter)),
    ),
  ]);
  return Object.fromEntries(bound) as LlamaFunctions;
}
