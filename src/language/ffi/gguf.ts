import { statSync } from "node:fs";
import koffi from "koffi";
import { FlashSlothError } from "../../core/errors.ts";
import type { Shape } from "../../core/model/shape.ts";
import { structType } from "./abi.ts";
import type { Pointer, StructValue } from "./functions.ts";
import type { LlamaLibrary } from "./library.ts";

/** A tensor's place in a GGUF file. */
export interface StoredTensor {
  /** ggml's name of it in capitals: F16, Q4_K, … */
  readonly type: string;
  /** row-major, outermost first: [rows, columns]; ggml writes it the other way round */
  readonly shape: Shape;
  /** first byte, counted from the start of the file */
  readonly offset: number;
}

/** ggml's `size_t`: koffi gives a number where that is exact. */
type Size = number | bigint;

/** The part of `ggml/include/gguf.h` that finds a tensor. A context describes a file and holds none of its values. */
interface GgufFunctions {
  gguf_init_from_file(path: string, params: StructValue): Pointer | null;
  gguf_free(context: Pointer): void;
  gguf_get_data_offset(context: Pointer): Size;
  gguf_get_n_tensors(context: Pointer): number;
  gguf_find_tensor(context: Pointer, name: string): number;
  gguf_get_tensor_offset(context: Pointer, index: number): Size;
  gguf_get_tensor_size(context: Pointer, index: number): Size;
  gguf_get_tensor_type(context: Pointer, index: number): number;
  gguf_get_tensor_ne(context: Pointer, index: number): Pointer;
  ggml_type_name(type: number): string;
}

const PROTOTYPES: Readonly<Record<keyof GgufFunctions, string>> = {
  gguf_init_from_file: "void *gguf_init_from_file(const char *path, gguf_init_params params)",
  gguf_free: "void gguf_free(void *context)",
  gguf_get_data_offset: "size_t gguf_get_data_offset(void *context)",
  gguf_get_n_tensors: "int64_t gguf_get_n_tensors(void *context)",
  gguf_find_tensor: "int64_t gguf_find_tensor(void *context, const char *name)",
  gguf_get_tensor_offset: "size_t gguf_get_tensor_offset(void *context, int64_t index)",
  gguf_get_tensor_size: "size_t gguf_get_tensor_size(void *context, int64_t index)",
  gguf_get_tensor_type: "int gguf_get_tensor_type(void *context, int64_t index)",
  gguf_get_tensor_ne: "void *gguf_get_tensor_ne(void *context, int64_t index)",
  ggml_type_name: "const char *ggml_type_name(int type)",
};

/** `GGML_MAX_DIMS` */
const MAX_DIMENSIONS = 4;

/**
 * Where a tensor of a GGUF file stands, as ggml's own reader finds it. ggml checks the header whole (names, types, sizes that
 * overflow, tensors that do not follow each other); that the file goes on to the end of its last tensor is checked here.
 * @returns null when the file has no such tensor
 * @throws `model-invalid` when ggml refuses the file, or it is cut short
 */
export function findStoredTensor(library: LlamaLibrary, path: string, name: string): StoredTensor | null {
  const gguf = (functions ??= bind(library));
  const context = gguf.gguf_init_from_file(path, { no_alloc: true, ctx: null });
  if (context === null) {
    throw invalid(
      path,
      "ggml cannot read it",
      "run the command again with FLASHSLOTH_NATIVE_LOG=1 to see why",
    );
  }
  try {
    const start = Number(gguf.gguf_get_data_offset(context));
    const offsetOf = (index: number): number => start + Number(gguf.gguf_get_tensor_offset(context, index));
    const last = gguf.gguf_get_n_tensors(context) - 1;
    const end = last < 0 ? start : offsetOf(last) + Number(gguf.gguf_get_tensor_size(context, last));
    if (end > statSync(path).size) throw invalid(path, "it ends before its tensors do");
    const index = gguf.gguf_find_tensor(context, name);
    if (index < 0) return null;
    const sizes = koffi.decode(
      gguf.gguf_get_tensor_ne(context, index),
      koffi.array("int64_t", MAX_DIMENSIONS, "Array"),
    ) as Size[];
    const rank = sizes.findLastIndex((size) => Number(size) !== 1) + 1;
    const shape = sizes.slice(0, rank).map(Number).toReversed();
    // ggml lets sizes pass whose product overflows to zero
    const elements = shape.reduce((product, size) => product * size, 1);
    if (elements > Number.MAX_SAFE_INTEGER) throw invalid(path, `${name} is too large to address`);
    return {
      type: gguf.ggml_type_name(gguf.gguf_get_tensor_type(context, index)).toUpperCase(),
      shape,
      offset: offsetOf(index),
    };
  } finally {
    gguf.gguf_free(context);
  }
}

let functions: GgufFunctions | undefined;

function bind({ files }: LlamaLibrary): GgufFunctions {
  structType("gguf_init_params");
  const base = koffi.load(files.ggmlBase);
  const bound = Object.entries(PROTOTYPES).map(([name, prototype]) => [name, base.func(prototype)]);
  return Object.fromEntries(bound) as GgufFunctions;
}

function invalid(path: string, reason: string, hint?: string): FlashSlothError {
  return new FlashSlothError("model-invalid", `${path} is no whole GGUF file: ${reason}`, { hint });
}
