import type { ByteSource } from "../../core/bytes.ts";
import { showShape } from "../../core/shape.ts";
import { HeaderCursor, NeedsMoreBytes } from "./cursor.ts";
import { alignUp, placeTensors, tensorByteLength } from "./layout.ts";
import {
  ALIGNMENT_KEY,
  DEFAULT_ALIGNMENT,
  MAGIC,
  MAX_DIMENSIONS,
  MAX_TENSOR_NAME_BYTES,
  TENSOR_TYPES,
  VERSION,
  type GgufLayout,
  type GgufMetadata,
  type GgufTensorInfo,
  type GgufTensorType,
  type GgufValue,
} from "./types.ts";
import { readValue } from "./values.ts";

/** Real files have some forty entries. */
export const MAX_METADATA_ENTRIES = 4096;
/** Of real models the largest have some two thousand. */
export const MAX_TENSORS = 65_536;
/** The format's own limit. */
export const MAX_KEY_BYTES = 65_535;
/** A vocabulary of 51,200 tokens takes 2 MB; nothing real comes near this. */
export const MAX_HEADER_BYTES: number = 64 * 2 ** 20;
export const MAX_ALIGNMENT = 65_536;
/** Holds the header of a small model at once; grows by doubling. */
const FIRST_READ_BYTES = 2 ** 20;

const TENSOR_TYPE_BY_ID: ReadonlyMap<number, GgufTensorType> = new Map(
  Object.entries(TENSOR_TYPES).map(([type, { id }]) => [id, type as GgufTensorType]),
);

/**
 * Reads a GGUF file's header: its metadata, and where each tensor stands. No tensor is read.
 * @throws `model-invalid` for anything that llama.cpp's own reader would refuse, or that exceeds the limits above
 */
export async function readGgufLayout(source: ByteSource): Promise<GgufLayout> {
  for (let length = FIRST_READ_BYTES; ; length *= 2) {
    const front = await source.read(0, Math.min(length, source.size, MAX_HEADER_BYTES));
    const cursor = new HeaderCursor(source.name, front, source.size);
    try {
      return readHeader(cursor, source.size);
    } catch (error) {
      if (!(error instanceof NeedsMoreBytes)) throw error;
      if (length >= MAX_HEADER_BYTES) cursor.refuse(`its header is longer than ${MAX_HEADER_BYTES} bytes`);
    }
  }
}

function readHeader(cursor: HeaderCursor, fileSize: number): GgufLayout {
  if (cursor.uint32() !== MAGIC) cursor.refuse("not a GGUF file");
  const version = cursor.uint32();
  if (version !== VERSION) cursor.refuse(`GGUF version ${version} is not supported, only ${VERSION}`);
  const tensorCount = cursor.count("the number of tensors", MAX_TENSORS);
  const entryCount = cursor.count("the number of metadata entries", MAX_METADATA_ENTRIES);
  const metadata = readMetadata(cursor, entryCount);
  const alignment = readAlignment(cursor, metadata);

  const described = [];
  for (let index = 0; index < tensorCount; index++) described.push(readTensor(cursor));
  if (new Set(described.map(({ name }) => name)).size !== tensorCount) {
    cursor.refuse("two tensors have one name");
  }
  const dataStart = alignUp(cursor.position, alignment);
  const { offsets } = placeTensors(
    described.map(({ byteLength }) => byteLength),
    alignment,
  );
  const tensors = described.map((tensor, index): GgufTensorInfo => {
    const relative = offsets[index] ?? 0;
    if (tensor.offset !== relative) {
      cursor.refuse(`tensor ${tensor.name} stands at ${tensor.offset}, expected ${relative}`);
    }
    const offset = dataStart + relative;
    if (offset + tensor.byteLength > fileSize) {
      cursor.refuse(`the file ends before the end of tensor ${tensor.name}`);
    }
    return { ...tensor, offset };
  });
  return { alignment, metadata, tensors };
}

function readMetadata(cursor: HeaderCursor, entries: number): GgufMetadata {
  const metadata = new Map<string, GgufValue>();
  for (let index = 0; index < entries; index++) {
    const key = cursor.string("a metadata key", MAX_KEY_BYTES);
    if (metadata.has(key)) cursor.refuse(`two metadata entries are called ${JSON.stringify(key)}`);
    metadata.set(key, readValue(cursor, key));
  }
  return metadata;
}

function readAlignment(cursor: HeaderCursor, metadata: GgufMetadata): number {
  const entry = metadata.get(ALIGNMENT_KEY);
  if (entry === undefined) return DEFAULT_ALIGNMENT;
  if (entry.type !== "uint32") return cursor.refuse(`${ALIGNMENT_KEY} is no uint32`);
  const { value } = entry;
  const powerOfTwo = value > 0 && (value & (value - 1)) === 0;
  if (!powerOfTwo || value > MAX_ALIGNMENT)
    cursor.refuse(`${ALIGNMENT_KEY} is ${value}, no small power of two`);
  return value;
}

/** A tensor's description; its offset is still counted from the start of the data section. */
function readTensor(cursor: HeaderCursor): GgufTensorInfo {
  const name = cursor.string("a tensor's name", MAX_TENSOR_NAME_BYTES);
  const dimensions = cursor.uint32();
  if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
    cursor.refuse(`tensor ${name} has ${dimensions} dimensions`);
  }
  const shape: number[] = [];
  let elements = 1;
  for (let axis = 0; axis < dimensions; axis++) {
    const size = cursor.count(`a size of tensor ${name}`, Number.MAX_SAFE_INTEGER);
    if (size === 0) cursor.refuse(`tensor ${name} has a size of 0`);
    elements *= size;
    if (!Number.isSafeInteger(elements)) cursor.refuse(`tensor ${name} is too large to address`);
    shape.unshift(size);
  }
  const typeId = cursor.uint32();
  const type = TENSOR_TYPE_BY_ID.get(typeId);
  if (type === undefined) return cursor.refuse(`tensor ${name} has the unknown type ${typeId}`);
  const byteLength = tensorByteLength(type, shape);
  if (byteLength === undefined) {
    return cursor.refuse(`tensor ${name} of shape ${showShape(shape)} is no whole number of ${type} blocks`);
  }
  const offset = cursor.count(`the offset of tensor ${name}`, Number.MAX_SAFE_INTEGER);
  return { name, type, shape, offset, byteLength };
}
