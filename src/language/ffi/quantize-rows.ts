import { open } from "node:fs/promises";
import type { KoffiFunc } from "koffi";
import { FileSource } from "../../core/files/bytes.ts";
import { onDisk, writeAt } from "../../core/files/disk.ts";
import { FlashSlothError } from "../../core/errors.ts";
import type { Quant } from "../../core/model/variant.ts";
import { FTYPE, GGML_TYPE, type StoredType } from "./abi.ts";
import { bindPrototypes, onPool } from "./functions.ts";
import { retype } from "./gguf.ts";
import type { LlamaLibrary } from "./library.ts";
import { BUFFER_BYTES } from "./quantize.ts";
import { slabBytes, slabsOf, type Slab } from "./slabs.ts";

/** The part of ggml that works on rows of values. */
interface RowFunctions {
  ggml_fp16_to_fp32_row: KoffiFunc<(from: Uint8Array, to: Float32Array, count: number) => void>;
  ggml_quantize_chunk: KoffiFunc<
    (
      type: number,
      from: Float32Array,
      to: Uint8Array,
      start: number,
      rows: number,
      columns: number,
      importance: null,
    ) => number
  >;
  quantize_row_iq4_nl_ref: KoffiFunc<(from: Float32Array, to: Uint8Array, count: number) => void>;
  ggml_validate_row_data: KoffiFunc<(type: number, values: Uint8Array, bytes: number) => boolean>;
}

const PROTOTYPES: Readonly<Record<keyof RowFunctions, string>> = {
  ggml_fp16_to_fp32_row: "void ggml_fp16_to_fp32_row(void *from, void *to, int64_t count)",
  ggml_quantize_chunk:
    "size_t ggml_quantize_chunk(int type, void *from, void *to, int64_t start, int64_t rows, int64_t columns, void *importance)",
  quantize_row_iq4_nl_ref: "void quantize_row_iq4_nl_ref(void *from, void *to, int64_t count)",
  ggml_validate_row_data: "bool ggml_validate_row_data(int type, void *values, size_t bytes)",
};

export interface QuantizeRowsOptions {
  readonly library: LlamaLibrary;
  /** A float16 GGUF file of ours. */
  readonly from: string;
  /** The new file; an existing one is replaced. */
  readonly to: string;
  readonly quant: Quant;
  /** Of every tensor by its name: as it is or, for float16, any whose blocks fill its rows. */
  readonly types: Readonly<Record<string, StoredType>>;
  /** How many slabs are worked on at a time; libuv's pool must have as many threads for it. */
  readonly threads: number;
}

/**
 * What `llama_model_quantize` does, with types that are given, and for IQ4_NL with ggml's reference routine: it tries one scale a
 * block instead of fifteen, which takes a thirteenth of the time and leaves the weights 0.0758 off instead of 0.0729. The header is
 * written last: a file that is not whole cannot be read.
 * @throws `disk`; `model-invalid`; `checkpoint-invalid` for values that are not finite; `internal` for types that do not fit
 */
export async function quantizeRows(options: QuantizeRowsOptions): Promise<void> {
  const { library, from, to, quant, types, threads } = options;
  const ggml = (functions ??= bindPrototypes<RowFunctions>(library.files, PROTOTYPES));
  const retyped = retype({ library, path: from, fileType: FTYPE[quant], types });
  const slabs = slabsOf(retyped, BUFFER_BYTES / threads);
  const source = await FileSource.open(from);
  try {
    const target = await onDisk(to, open(to, "w"));
    try {
      const work = async (): Promise<void> => {
        const room = new Room();
        // all take from the same slabs, and whoever fails ends them for all
        for (const slab of slabs) {
          const values = await quantizeSlab(ggml, slab, source, room);
          await writeAt(to, target, values, slab.to.offset);
        }
      };
      const ends = await Promise.allSettled(Array.from({ length: threads }, work));
      for (const end of ends) if (end.status === "rejected") throw end.reason;
      await writeAt(to, target, retyped.header, 0);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

let functions: RowFunctions | undefined;

/** Memory for one slab after the other. */
class Room {
  #bytes = new ArrayBuffer(0);

  /** float32 first, so that each begins at a multiple of its elements */
  viewsFor(slab: Slab): {
    readonly floats: Float32Array;
    readonly from: Uint8Array;
    readonly to: Uint8Array;
  } {
    const { rows, columns, from, to } = slab;
    const needed = slabBytes(slab);
    if (this.#bytes.byteLength < needed) this.#bytes = new ArrayBuffer(needed);
    const floats = new Float32Array(this.#bytes, 0, rows * columns);
    return {
      floats,
      from: new Uint8Array(this.#bytes, floats.byteLength, from.byteLength),
      to: new Uint8Array(this.#bytes, floats.byteLength + from.byteLength, to.byteLength),
    };
  }
}

/** @returns the rows as the new file has them, until the room is used again */
async function quantizeSlab(
  ggml: RowFunctions,
  slab: Slab,
  source: FileSource,
  room: Room,
): Promise<Uint8Array> {
  const { rows, columns } = slab;
  const type = slab.to.type;
  const { floats, from, to } = room.viewsFor(slab);
  await source.readInto(from, slab.from.offset);
  await requireFinite(ggml, slab, slab.from.type, from);
  if (type === slab.from.type) return from;
  await onPool(ggml.ggml_fp16_to_fp32_row, from, floats, floats.length);
  if (type === "IQ4_NL") {
    await onPool(ggml.quantize_row_iq4_nl_ref, floats, to, floats.length);
    clearZeroBlocks(to);
  } else {
    await onPool(ggml.ggml_quantize_chunk, GGML_TYPE[type], floats, to, 0, rows, columns, null);
  }
  await requireFinite(ggml, slab, type, to);
  return to;
}

async function requireFinite(
  ggml: RowFunctions,
  { name }: Slab,
  type: StoredType,
  values: Uint8Array,
): Promise<void> {
  if (await onPool(ggml.ggml_validate_row_data, GGML_TYPE[type], values, values.byteLength)) return;
  throw new FlashSlothError("checkpoint-invalid", `${name} holds values that are not finite`);
}

/** A block of IQ4_NL in 16 bits: the scale, and 32 places in the table. */
const BLOCK_WORDS = 9;

/** Where all values of a block are zero ggml writes no places: what its memory held would differ from run to run. */
function clearZeroBlocks(blocks: Uint8Array): void {
  const words = new Uint16Array(blocks.buffer, blocks.byteOffset, blocks.byteLength / 2);
  for (let at = 0; at < words.length; at += BLOCK_WORDS) {
    if (words[at] === 0) words.fill(0, at, at + BLOCK_WORDS);
  }
}
