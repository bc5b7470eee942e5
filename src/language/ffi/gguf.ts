import { statSync } from "node:fs";
import koffi from "koffi";
import { FlashSlothError } from "../../core/errors.ts";
import type { Shape } from "../../core/model/shape.ts";
import { GGML_TYPE, structType, type StoredType } from "./abi.ts";
import { bindPrototypes, type Pointer, type StructValue } from "./functions.ts";
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

/** One of a file's tensors. */
export interface NamedTensor extends StoredTensor {
  readonly name: string;
  readonly byteLength: number;
}

/** ggml's `size_t`: koffi gives a number where that is exact. */
type Size = number | bigint;

/** The part of `ggml/include/gguf.h` that we call. A context describes a file and holds none of its values. */
interface GgufFunctions {
  gguf_init_from_file(path: string, params: StructValue): Pointer | null;
  gguf_free(context: Pointer): void;
  gguf_get_data_offset(context: Pointer): Size;
  gguf_get_n_tensors(context: Pointer): number;
  gguf_find_tensor(context: Pointer, name: string): number;
  gguf_get_tensor_name(context: Pointer, index: number): string;
  gguf_get_tensor_offset(context: Pointer, index: number): Size;
  gguf_get_tensor_size(context: Pointer, index: number): Size;
  gguf_get_tensor_type(context: Pointer, index: number): number;
  gguf_get_tensor_ne(context: Pointer, index: number): Pointer;
  gguf_set_val_u32(context: Pointer, key: string, value: number): void;
  gguf_set_tensor_type(context: Pointer, name: string, type: number): void;
  gguf_get_meta_size(context: Pointer): Size;
  gguf_get_meta_data(context: Pointer, data: Uint8Array): void;
  ggml_type_name(type: number): string;
  ggml_blck_size(type: number): Size;
}

const PROTOTYPES: Readonly<Record<keyof GgufFunctions, string>> = {
  gguf_init_from_file: "void *gguf_init_from_file(const char *path, gguf_init_params params)",
  gguf_free: "void gguf_free(void *context)",
  gguf_get_data_offset: "size_t gguf_get_data_offset(void *context)",
  gguf_get_n_tensors: "int64_t gguf_get_n_tensors(void *context)",
  gguf_find_tensor: "int64_t gguf_find_tensor(void *context, const char *name)",
  gguf_get_tensor_name: "const char *gguf_get_tensor_name(void *context, int64_t index)",
  gguf_get_tensor_offset: "size_t gguf_get_tensor_offset(void *context, int64_t index)",
  gguf_get_tensor_size: "size_t gguf_get_tensor_size(void *context, int64_t index)",
  gguf_get_tensor_type: "int gguf_get_tensor_type(void *context, int64_t index)",
  gguf_get_tensor_ne: "void *gguf_get_tensor_ne(void *context, int64_t index)",
  gguf_set_val_u32: "void gguf_set_val_u32(void *context, const char *key, uint32_t value)",
  gguf_set_tensor_type: "void gguf_set_tensor_type(void *context, const char *name, int type)",
  gguf_get_meta_size: "size_t gguf_get_meta_size(void *context)",
  gguf_get_meta_data: "void gguf_get_meta_data(void *context, void *data)",
  ggml_type_name: "const char *ggml_type_name(int type)",
  ggml_blck_size: "int64_t ggml_blck_size(int type)",
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
  return describe(library, path, (gguf, context) => {
    const index = gguf.gguf_find_tensor(context, name);
    if (index < 0) return null;
    const { type, shape, offset } = tensorAt(gguf, context, index, dataStart(gguf, context), path);
    return { type, shape, offset };
  });
}

/** A GGUF file as it is, and as it would be with other types of its tensors. */
export interface Retyped {
  readonly before: readonly NamedTensor[];
  /** The same tensors in the same order. */
  readonly after: readonly NamedTensor[];
  /** The other file's bytes up to its first tensor. */
  readonly header: Uint8Array;
}

export interface RetypeOptions {
  readonly library: LlamaLibrary;
  readonly path: string;
  /** enum llama_ftype, which the other file's metadata will name */
  readonly fileType: number;
  /** of every tensor by its name */
  readonly types: Readonly<Record<string, StoredType>>;
}

/**
 * The header that a GGUF file gets when its tensors are stored as other types, which llama.cpp's quantiser would write, too.
 * @throws `model-invalid` as `findStoredTensor`; `internal` for a tensor of no known type, or of one whose blocks do not fill its rows
 */
export function retype({ library, path, fileType, types }: RetypeOptions): Retyped {
  return describe(library, path, (gguf, context) => {
    const before = tensorsOf(gguf, context, dataStart(gguf, context), path);
    gguf.gguf_set_val_u32(context, "general.file_type", fileType);
    for (const { name, shape } of before) {
      const named = types[name];
      const type = named === undefined ? undefined : GGML_TYPE[named];
      if (type === undefined || (shape.at(-1) ?? 1) % Number(gguf.ggml_blck_size(type)) !== 0) {
        throw new FlashSlothError("internal", `${name} cannot be stored as ${named ?? "nothing"}`);
      }
      gguf.gguf_set_tensor_type(context, name, type);
    }
    const header = new Uint8Array(Number(gguf.gguf_get_meta_size(context)));
    gguf.gguf_get_meta_data(context, header);
    return { before, after: tensorsOf(gguf, context, header.byteLength, path), header };
  });
}

let functions: GgufFunctions | undefined;

/** Opens a file's description for as long as `use` takes. */
function describe<T>(
  library: LlamaLibrary,
  path: string,
  use: (gguf: GgufFunctions, context: Pointer) => T,
): T {
  if (functions === undefined) {
    structType("gguf_init_params");
    functions = bindPrototypes<GgufFunctions>(library.files, PROTOTYPES);
  }
  const gguf = functions;
  const context = gguf.gguf_init_from_file(path, { no_alloc: true, ctx: null });
  if (context === null) {
    throw invalid(
      path,
      "ggml cannot read it",
      "run the command again with FLASHSLOTH_NATIVE_LOG=1 to see why",
    );
  }
  try {
    const start = dataStart(gguf, context);
    const last = gguf.gguf_get_n_tensors(context) - 1;
    let end = start;
    if (last >= 0) {
      end += Number(gguf.gguf_get_tensor_offset(context, last));
      end += Number(gguf.gguf_get_tensor_size(context, last));
    }
    if (end > statSync(path).size) throw invalid(path, "it ends before its tensors do");
    return use(gguf, context);
  } finally {
    gguf.gguf_free(context);
  }
}

function dataStart(gguf: GgufFunctions, context: Pointer): number {
  return Number(gguf.gguf_get_data_offset(context));
}

/** @param start where the tensors' values begin in the file */
function tensorsOf(gguf: GgufFunctions, context: Pointer, start: number, path: string): NamedTensor[] {
  return Array.from({ length: gguf.gguf_get_n_tensors(context) }, (_, index) =>
    tensorAt(gguf, context, index, start, path),
  );
}

function tensorAt(
  gguf: GgufFunctions,
  context: Pointer,
  index: number,
  start: number,
  path: string,
): NamedTensor {
  const name = gguf.gguf_get_tensor_name(context, index);
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
    name,
    type: gguf.ggml_type_name(gguf.gguf_get_tensor_type(context, index)).toUpperCase(),
    shape,
    offset: start + Number(gguf.gguf_get_tensor_offset(context, index)),
    byteLength: Number(gguf.gguf_get_tensor_size(context, index)),
  };
}

function invalid(path: string, reason: string, hint?: string): FlashSlothError {
  return new FlashSlothError("model-invalid", `${path} is no whole GGUF file: ${reason}`, { hint });
}
