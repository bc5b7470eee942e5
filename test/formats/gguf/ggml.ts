import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import koffi from "koffi";
import type { Shape } from "../../../src/core/model/shape.ts";
import {
  VALUE_TYPES,
  type GgufTensorInfo,
  type GgufTensorType,
  type GgufValue,
} from "../../../src/formats/gguf/types.ts";
import { structType } from "../../../src/language/ffi/abi.ts";
import { loadLlama } from "../../../src/language/ffi/library.ts";

/** Everything of a GGUF file but the tensors' values, as ggml finds it: a reader that knows nothing of our writer. */
export interface GgufLayout {
  readonly alignment: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** in file order */
  readonly tensors: readonly GgufTensorInfo[];
}

type ValueType = keyof typeof VALUE_TYPES;

/** Our name of a scalar type, its C type, and what follows `gguf_get_val_`. */
const SCALARS: Readonly<Record<Exclude<ValueType, "array">, readonly [ctype: string, suffix: string]>> = {
  uint8: ["uint8_t", "u8"],
  int8: ["int8_t", "i8"],
  uint16: ["uint16_t", "u16"],
  int16: ["int16_t", "i16"],
  uint32: ["uint32_t", "u32"],
  int32: ["int32_t", "i32"],
  float32: ["float", "f32"],
  bool: ["bool", "bool"],
  string: ["const char *", "str"],
  uint64: ["uint64_t", "u64"],
  int64: ["int64_t", "i64"],
  float64: ["double", "f64"],
};

const TYPE_NAMES: ReadonlyMap<number, ValueType> = new Map(
  Object.entries(VALUE_TYPES).map(([name, id]) => [id, name as ValueType]),
);

/** @throws Error when ggml refuses the file */
export async function readGgufLayout(path: string): Promise<GgufLayout> {
  structType("gguf_init_params");
  const { files } = await loadLlama("cpu");
  const ggml = koffi.load(files.ggmlBase);
  const call = (result: string, name: string, parameters: readonly string[], ...values: unknown[]): unknown =>
    ggml.func(name, result, [...parameters])(...values);
  const context = call("void *", "gguf_init_from_file", ["const char *", "gguf_init_params"], path, {
    no_alloc: true,
    ctx: null,
  });
  if (context === null) throw new Error(`ggml cannot read ${path}`);
  const get = (result: string, name: string, ...ids: readonly number[]): unknown =>
    call(result, name, ["void *", ...ids.map(() => "int64_t")], context, ...ids);

  const metadata = new Map<string, GgufValue>();
  for (let id = 0; id < Number(get("int64_t", "gguf_get_n_kv")); id++) {
    metadata.set(String(get("const char *", "gguf_get_key", id)), readValue(get, id));
  }
  const start = Number(get("size_t", "gguf_get_data_offset"));
  const tensors = Array.from({ length: Number(get("int64_t", "gguf_get_n_tensors")) }, (_, id) => {
    const type = get("int", "gguf_get_tensor_type", id);
    return {
      name: String(get("const char *", "gguf_get_tensor_name", id)),
      type: String(call("const char *", "ggml_type_name", ["int"], type)).toUpperCase() as GgufTensorType,
      shape: shapeOf(
        koffi.decode(get("void *", "gguf_get_tensor_ne", id), "int64_t", 4) as ArrayLike<bigint>,
      ),
      offset: start + Number(get("size_t", "gguf_get_tensor_offset", id)),
      byteLength: Number(get("size_t", "gguf_get_tensor_size", id)),
    };
  });
  const alignment = Number(get("size_t", "gguf_get_alignment"));
  call("void", "gguf_free", ["void *"], context);
  return { alignment, metadata, tensors };
}

/** The same for a file that is in memory. */
export async function readGgufBytes(bytes: Uint8Array): Promise<GgufLayout> {
  const folder = mkdtempSync(join(tmpdir(), "flashsloth-gguf-"));
  try {
    writeFileSync(join(folder, "file.gguf"), bytes);
    return await readGgufLayout(join(folder, "file.gguf"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** ggml's sizes, innermost first and four of them, as we write shapes. */
function shapeOf(sizes: ArrayLike<bigint>): Shape {
  const all = Array.from(sizes, Number);
  return all.slice(0, all.findLastIndex((size) => size !== 1) + 1).toReversed();
}

type Get = (result: string, name: string, ...ids: readonly number[]) => unknown;

function readValue(get: Get, id: number): GgufValue {
  const type = TYPE_NAMES.get(Number(get("int", "gguf_get_kv_type", id)));
  if (type === undefined) throw new Error("ggml knows a type that we do not");
  if (type !== "array") {
    const [ctype, suffix] = SCALARS[type];
    return { type, value: exact(type, get(ctype, `gguf_get_val_${suffix}`, id)) } as GgufValue;
  }
  const of = TYPE_NAMES.get(Number(get("int", "gguf_get_arr_type", id)));
  if (of === undefined || of === "array") throw new Error("ggml has no arrays of arrays");
  const count = Number(get("size_t", "gguf_get_arr_n", id));
  const values =
    of === "string"
      ? Array.from({ length: count }, (_, at) => get("const char *", "gguf_get_arr_str", id, at))
      : count === 0
        ? []
        : koffi.decode(get("void *", "gguf_get_arr_data", id), koffi.array(SCALARS[of][0], count, "Array"));
  return { type, of, values: (values as unknown[]).map((value) => exact(of, value)) } as GgufValue;
}

/** koffi gives small 64-bit integers as numbers. */
function exact(type: ValueType, value: unknown): unknown {
  return type === "uint64" || type === "int64" ? BigInt(value as number | bigint) : value;
}
